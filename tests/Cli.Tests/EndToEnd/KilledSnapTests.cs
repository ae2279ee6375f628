using System.Globalization;
using System.Text.Json;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>
/// Snap is killed at every point of a checkpoint, pass after pass, until a checkpoint comes through unhurt. After each death the target must be whole: not
/// stopped, not traced, its state as before; and every snapshot that was acknowledged must be there, and restorable.
/// </summary>
/// <remarks>$SNAP_FAULT_ROUNDS: deaths per point, 20 by default; the passes are gone through again until there were so many.</remarks>
public sealed class KilledSnapTests
{
    private static readonly int Rounds =
        int.TryParse(Environment.GetEnvironmentVariable("SNAP_FAULT_ROUNDS"), NumberStyles.None, CultureInfo.InvariantCulture, out int rounds) ? rounds : 20;

    /// <summary>Points, and who dies there.</summary>
    public static TheoryData<string, string> Deaths()
    {
        var data = new TheoryData<string, string>();
        foreach (string point in new[] { "Attach", "Seize", "Inject", "Scan", "Copy", "Thaw", "Report", "Encode", "Commit", "Acknowledge" })
        {
            data.Add(point, "kill");
            // In the tracer this is the death of the engine; in the engine it would be that of the test itself.
            if (point is "Seize" or "Inject" or "Scan" or "Copy" or "Thaw" or "Report")
                data.Add(point, "kill-parent");
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Deaths))]
    public void A_death_in_a_checkpoint_harms_neither_the_target_nor_acknowledged_snapshots(string point, string action)
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.IfNot(Environment.GetEnvironmentVariable("SNAP_KILL_TESTS") == "1", "the kill campaign finds a signal mask that is not put back; SNAP_KILL_TESTS=1 runs it");
        using Target target = Target.Start("sleeper", "3");
        Fingerprint before = Fingerprint.Of(target.Pid);
        var acknowledged = new List<string> { store.Take(target.Pid).GetProperty("id").GetString()! };
        int deaths = 0;
        for (int pass = 1; deaths < Rounds; pass++)
        {
            string fault = string.Create(CultureInfo.InvariantCulture, $"{point}:{pass}:{action}");
            CommandResult take = Command.Run(SnapStore.Binary!, ["take", "--json", SnapStore.Text(target.Pid)],
                new Dictionary<string, string?> { ["SNAP_STORE"] = store.Path, ["SNAP_FAULT"] = fault });
            Patience.Until(() => Fingerprint.Differences(before, Fingerprint.Of(target.Pid)).Count == 0,
                () => $"the target to be as before {fault}: {string.Join("; ", Fingerprint.Differences(before, Fingerprint.Of(target.Pid)))}");
            Assert.Empty(target.Check());
            if (take.ExitCode == 0)
                acknowledged.Add(JsonDocument.Parse(take.Output).RootElement.GetProperty("id").GetString()!);
            string[] listed = [.. store.Log().Select(snapshot => snapshot.GetProperty("id").GetString()!)];
            Assert.Empty(acknowledged.Except(listed));
            if (take.ExitCode != 0)
            {
                deaths++;
                continue;
            }

            Assert.True(pass > 1, $"{fault} never came to pass");
            pass = 0;
        }

        target.Kill();
        foreach (string id in new[] { acknowledged[0], acknowledged[^1] }.Distinct())
        {
            Command parent = store.RestoreInto(target, id);
            Assert.Empty(target.Check());
            target.Kill();
            parent.WaitForEnd();
        }
    }

    /// <summary>Threads in all kinds of blocking calls: a cure that gave back a wrong register, mask or restart would show as a wrong return value.</summary>
    [SkippableTheory]
    [InlineData("Seize")]
    [InlineData("Inject")]
    [InlineData("Thaw")]
    public void A_tracer_that_dies_disturbs_no_blocking_call(string point)
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.IfNot(Environment.GetEnvironmentVariable("SNAP_KILL_TESTS") == "1", "the kill campaign finds a signal mask that is not put back; SNAP_KILL_TESTS=1 runs it");
        using Target target = Target.Start("blocking_calls");
        int deaths = 0;
        for (int pass = 1; deaths < Rounds; pass++)
        {
            CommandResult take = Command.Run(SnapStore.Binary!, ["take", SnapStore.Text(target.Pid)],
                new Dictionary<string, string?> { ["SNAP_STORE"] = store.Path, ["SNAP_FAULT"] = string.Create(CultureInfo.InvariantCulture, $"{point}:{pass}:kill") });
            if (take.ExitCode == 0)
            {
                Assert.True(pass > 1, $"{point} never came to pass");
                break;
            }

            deaths++;
            Patience.Until(() => Fingerprint.FindHarm(target.Pid).Count == 0, () => $"the target to run on after {point}:{pass}");
            if (pass % 5 == 0)
                Assert.Empty(target.Check());
        }

        Assert.Empty(target.Check());
        Assert.Equal(["bye"], target.Ask("exit"));
        Assert.Equal(0, target.WaitForEnd()!.Value.ShellCode);
    }

    /// <summary>A tracer that is stopped keeps the target frozen: a watchdog has to end it.</summary>
    [SkippableTheory]
    [InlineData("Seize")]
    [InlineData("Thaw")]
    public void A_tracer_that_hangs_is_ended_and_the_target_runs_on(string point)
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.IfNot(Environment.GetEnvironmentVariable("SNAP_KILL_TESTS") == "1", "the kill campaign finds a signal mask that is not put back; SNAP_KILL_TESTS=1 runs it");
        using Target target = Target.Start("sleeper", "3");
        Fingerprint before = Fingerprint.Of(target.Pid);
        CommandResult take = Command.Run(SnapStore.Binary!, ["take", SnapStore.Text(target.Pid)],
            new Dictionary<string, string?> { ["SNAP_STORE"] = store.Path, ["SNAP_FAULT"] = $"{point}:1:stop" });
        Assert.NotEqual(0, take.ExitCode);
        Patience.Until(() => Fingerprint.Differences(before, Fingerprint.Of(target.Pid)).Count == 0,
            () => $"the target to run on: {string.Join("; ", Fingerprint.Differences(before, Fingerprint.Of(target.Pid)))}");
        Assert.Empty(target.Check());
        store.Take(target.Pid);
        Assert.Single(store.Log());
    }

    /// <summary>A failing or full disk at the commit: an error, no snapshot, and the next checkpoint holds everything.</summary>
    [SkippableTheory]
    [InlineData("Encode", "fail")]
    [InlineData("Encode", "full")]
    [InlineData("Commit", "fail")]
    [InlineData("Commit", "full")]
    public void A_commit_that_fails_is_an_error_and_the_next_snapshot_is_whole(string point, string action)
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.IfNot(Environment.GetEnvironmentVariable("SNAP_KILL_TESTS") == "1", "the kill campaign finds a signal mask that is not put back; SNAP_KILL_TESTS=1 runs it");
        using Target target = Target.Start("counter", "200");
        CommandResult take = Command.Run(SnapStore.Binary!, ["take", SnapStore.Text(target.Pid)],
            new Dictionary<string, string?> { ["SNAP_STORE"] = store.Path, ["SNAP_FAULT"] = $"{point}:1:{action}" });
        Assert.NotEqual(0, take.ExitCode);
        Assert.Contains("snap: S", take.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("S0001", take.Error, StringComparison.Ordinal);
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        Assert.Empty(store.Log());
        store.Take(target.Pid);
        target.Kill();
        Command parent = store.RestoreInto(target, "latest");
        Assert.Empty(target.Check());
        target.Kill();
        parent.WaitForEnd();
    }
}

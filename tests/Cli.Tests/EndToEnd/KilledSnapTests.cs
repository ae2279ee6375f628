using System.Globalization;
using System.Text.Json;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Testing;
using static Snap.Kernel.Abi.Signal;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>
/// Snap is killed at every point of a checkpoint, pass after pass, until a checkpoint comes through unhurt. After each death the target must be whole: not
/// stopped, not traced, its state as before; and every snapshot that was acknowledged must be there, and restorable.
/// </summary>
/// <remarks>$SNAP_FAULT_ROUNDS: least deaths per point, 20 by default; the passes are gone through again until there were so many.</remarks>
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
            if (point is "Attach" or "Seize" or "Inject" or "Scan" or "Copy" or "Thaw" or "Report")
                data.Add(point, "kill-parent");
        }

        return data;
    }

    /// <summary>The target stands still all the time, and three of its threads block every signal, those that Snap stops threads by among them.</summary>
    [SkippableTheory]
    [MemberData(nameof(Deaths))]
    public void A_death_in_a_checkpoint_harms_neither_the_target_nor_acknowledged_snapshots(string point, string action)
    {
        using SnapStore store = SnapStore.OpenOrSkip(withEngine: false);
        using Target target = Target.Start("sleeper", "3");
        Fingerprint before = Fingerprint.OfIdle(target);
        var acknowledged = new List<string> { store.Take(target.Pid).GetProperty("id").GetString()! };
        ForEachPass(point, action, fault =>
        {
            using Command take = StartTake(store, target, fault);
            CommandResult ended = take.WaitForEnd();
            Patience.Until(() => Fingerprint.Differences(before, Fingerprint.Of(target.Pid)).Count == 0,
                () => $"the target to be as before {fault}: {string.Join("; ", Fingerprint.Differences(before, Fingerprint.Of(target.Pid)))}");
            Assert.Empty(target.Check());
            if (ended.ExitCode == 0)
                acknowledged.Add(JsonDocument.Parse(ended.Output).RootElement.GetProperty("id").GetString()!);
            string[] listed = [.. store.Log().Select(snapshot => snapshot.GetProperty("id").GetString()!)];
            Assert.Empty(acknowledged.Except(listed));
            return ended.ExitCode != 0;
        });

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
        using SnapStore store = SnapStore.OpenOrSkip(withEngine: false);
        using Target target = Target.Start("blocking_calls");
        int deaths = 0;
        ForEachPass(point, "kill", fault =>
        {
            using Command take = StartTake(store, target, fault);
            CommandResult ended = take.WaitForEnd();
            Patience.Until(() => Fingerprint.FindHarm(target.Pid).Count == 0, () => $"the target to run on after {fault}");
            if (++deaths % 8 == 0)
                Assert.Empty(target.Check());
            return ended.ExitCode != 0;
        });
        Assert.Empty(target.Check());
        Assert.Equal(["bye"], target.Ask("exit"));
        Assert.Equal(0, target.WaitForEnd()!.Value.ShellCode);
    }

    /// <summary>
    /// A user saw a program hang: the signal that its sigsuspend waited for had come while the tracer was killed. So the tracer is held at each instant, the
    /// signal is sent to threads in all calls that let a signal in, and then the tracer is killed.
    /// </summary>
    [SkippableTheory]
    [InlineData("Seize")]
    [InlineData("Inject")]
    [InlineData("Thaw")]
    public void A_signal_that_comes_when_the_tracer_dies_reaches_the_call_that_waits_for_it(string point)
    {
        using SnapStore store = SnapStore.OpenOrSkip(withEngine: false);
        using Target target = Target.Start("masked_calls");
        ForEachPass(point, "stop", fault =>
        {
            using Command take = StartTake(store, target, fault);
            int tracer = 0;
            Patience.Until(() => take.Child.TryWait(out _) || (tracer = FindStopped(take.Child.Pid)) != 0, () => $"{fault} to come to pass");
            if (tracer == 0)
            {
                Assert.Equal(0, take.WaitForEnd().ExitCode);
                return false;
            }

            SignalThreads(target);
            Signal(tracer, SIGKILL);
            Assert.NotEqual(0, take.WaitForEnd().ExitCode);
            ExpectHandled(target, fault);
            return true;
        });
        Assert.Empty(target.Check());
        Assert.Equal(["bye"], target.Ask("exit"));
        Assert.Equal(0, target.WaitForEnd()!.Value.ShellCode);
    }

    /// <summary>A signal that comes between the seizing of a thread and its stop is reported to the tracer first. It must not die with it.</summary>
    [SkippableTheory]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(11)]
    public void A_signal_that_the_tracer_has_seen_and_not_passed_on_when_it_dies_is_not_lost(int pass)
    {
        const int furthest = 14;
        using SnapStore store = SnapStore.OpenOrSkip(withEngine: false);
        using Target target = Target.Start("masked_calls");
        for (int further = 1; further <= furthest; further++)
        {
            string fault = string.Create(CultureInfo.InvariantCulture, $"Seize:{pass}:stop,Seize:{pass + further}:kill");
            using Command take = StartTake(store, target, fault);
            int tracer = 0;
            Patience.Until(() => take.Child.TryWait(out _) || (tracer = FindStopped(take.Child.Pid)) != 0, () => $"{fault} to come to pass");
            SignalThreads(target);
            Signal(tracer, SIGCONT);
            Assert.NotEqual(0, take.WaitForEnd().ExitCode);
            ExpectHandled(target, fault);
        }

        Assert.Empty(target.Check());
    }

    /// <summary>A tracer that is stopped may keep the target frozen, and keeps its command waiting: the command has to end it.</summary>
    [SkippableTheory]
    [InlineData("Attach")]
    [InlineData("Seize")]
    [InlineData("Inject")]
    [InlineData("Scan")]
    [InlineData("Thaw")]
    [InlineData("Report")]
    public void A_tracer_that_hangs_is_ended_and_the_target_runs_on(string point)
    {
        using SnapStore store = SnapStore.OpenOrSkip(withEngine: false);
        using Target target = Target.Start("sleeper", "3");
        Fingerprint before = Fingerprint.OfIdle(target);
        using (Command take = StartTake(store, target, $"{point}:1:stop"))
            Assert.NotEqual(0, take.WaitForEnd().ExitCode);
        Patience.Until(() => Fingerprint.Differences(before, Fingerprint.Of(target.Pid)).Count == 0,
            () => $"the target to run on: {string.Join("; ", Fingerprint.Differences(before, Fingerprint.Of(target.Pid)))}");
        Assert.Empty(target.Check());
        store.Take(target.Pid);
        Assert.Single(store.Log());
    }

    /// <summary>With nobody left to end it, a stopped tracer in a pause is ended by its own timer.</summary>
    [SkippableFact]
    public void A_tracer_that_hangs_in_a_pause_and_whose_engine_is_gone_ends_by_itself()
    {
        using SnapStore store = SnapStore.OpenOrSkip(withEngine: false);
        using Target target = Target.Start("sleeper", "3");
        Fingerprint before = Fingerprint.OfIdle(target);
        using (Command take = StartTake(store, target, "Thaw:1:kill-parent,Thaw:1:stop"))
            Assert.Equal(137, take.WaitForOwnEnd().ShellCode);
        Patience.Until(() => Fingerprint.Differences(before, Fingerprint.Of(target.Pid)).Count == 0,
            () => $"the target to run on: {string.Join("; ", Fingerprint.Differences(before, Fingerprint.Of(target.Pid)))}");
        Assert.Empty(target.Check());
    }

    /// <summary>A failing or full disk at the commit: an error, no snapshot, and the next checkpoint holds everything.</summary>
    [SkippableTheory]
    [InlineData("Encode", "fail")]
    [InlineData("Encode", "full")]
    [InlineData("Commit", "fail")]
    [InlineData("Commit", "full")]
    public void A_commit_that_fails_is_an_error_and_the_next_snapshot_is_whole(string point, string action)
    {
        using SnapStore store = SnapStore.OpenOrSkip(withEngine: false);
        using Target target = Target.Start("counter", "200");
        using (Command take = store.StartWith(new() { ["SNAP_FAULT"] = $"{point}:1:{action}" }, "take", SnapStore.Text(target.Pid)))
        {
            CommandResult ended = take.WaitForEnd();
            Assert.NotEqual(0, ended.ExitCode);
            Assert.Contains("snap: S", ended.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("S0001", ended.Error, StringComparison.Ordinal);
        }

        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        Assert.Empty(store.Log());
        store.Take(target.Pid);
        target.Kill();
        Command parent = store.RestoreInto(target, "latest");
        Assert.Empty(target.Check());
        target.Kill();
        parent.WaitForEnd();
    }

    /// <summary>Arms each pass of a point in turn, until one isn't reached any more, and again until there were enough.</summary>
    /// <param name="point">The point.</param>
    /// <param name="action">What happens there.</param>
    /// <param name="cameToPass">Given the fault; says whether it was reached.</param>
    private static void ForEachPass(string point, string action, Func<string, bool> cameToPass)
    {
        int times = 0;
        do
        {
            for (int pass = 1; ; pass++)
            {
                string fault = string.Create(CultureInfo.InvariantCulture, $"{point}:{pass}:{action}");
                if (!cameToPass(fault))
                {
                    Assert.True(pass > 1, $"{fault} never came to pass");
                    break;
                }

                times++;
            }
        }
        while (times < Rounds);
    }

    private static Command StartTake(SnapStore store, Target target, string fault) =>
        store.StartWith(new() { ["SNAP_FAULT"] = fault }, "take", "--json", SnapStore.Text(target.Pid));

    private static void SignalThreads(Target target)
    {
        CommandResult sent = Command.Run(CompiledProgram.Get("masked_calls").Path, ["-", "signal", SnapStore.Text(target.Pid)]);
        Assert.True(sent.ExitCode == 0, sent.ToString());
    }

    private static void ExpectHandled(Target target, string fault)
    {
        Patience.Until(() => Fingerprint.FindHarm(target.Pid).Count == 0, () => $"the target to run on after {fault}");
        IReadOnlyList<string> answers = target.Ask("sent");
        Assert.True(answers is ["ok masked_calls"], $"{fault}: {string.Join('\n', answers)}");
    }

    private static void Signal(int pid, int signal)
    {
        using ProcessHandle? handle = ProcessHandle.OpenOrGone(pid);
        handle?.TrySignal(signal);
    }

    private static int FindStopped(int engine)
    {
        foreach (int child in ProcessTable.ReadChildren(engine) ?? [])
        {
            if (TaskFiles.OfProcess(child).ReadStat() is { State: 'T' })
                return child;
        }

        return 0;
    }
}

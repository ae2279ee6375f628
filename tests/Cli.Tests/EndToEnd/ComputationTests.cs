using System.Globalization;
using System.Text.Json;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>The main promise: a long computation that is watched and killed goes on from any of its moments, as if nothing had happened.</summary>
public sealed class ComputationTests
{
    /// <summary>
    /// The program draws a random nonce once and logs each step to a file which a restore doesn't roll back. So a run that began anew would show a new nonce,
    /// one that lost a step or made it twice would show in the log, and one whose memory was damaged ends with another hash.
    /// </summary>
    [SkippableTheory]
    [InlineData("python")]
    [InlineData("node")]
    [InlineData("dotnet")]
    public void A_killed_computation_goes_on_from_the_first_a_middle_and_the_last_snapshot(string kind)
    {
        const int steps = 400;
        using SnapStore store = SnapStore.OpenOrSkip();
        using StepTarget target = StartOrSkip(kind, steps);
        string expected = UndisturbedHash(kind, steps);

        using (Command watch = store.Start("watch", SnapStore.Text(target.Pid), "--every", "100ms", "--name", "work"))
        {
            Patience.Until(() => SnapshotCount(store) >= 5 || watch.Child.TryWait(out _), "five snapshots");
            if (watch.Child.TryWait(out _))
                Assert.Fail($"the watch ended: {watch.WaitForEnd()}");
            Assert.True(target.IsAlive && target.ReadSteps().Count < steps, "the computation ended before five snapshots were taken");
            target.Kill();
            watch.WaitForEnd();
        }

        IReadOnlyList<Step> firstLife = target.ReadSteps();
        string nonce = firstLife[0].Nonce;
        IReadOnlyList<JsonElement> taken = [.. store.Log().Reverse()];
        Assert.True(taken.Count >= 5);
        foreach (JsonElement snapshot in new[] { taken[0], taken[taken.Count / 2], taken[^1] })
        {
            int before = target.ReadSteps().Count;
            using Command parent = store.RestoreInto(target, snapshot.GetProperty("id").GetString()!, "--files", "keep");
            CommandResult ended = parent.WaitForEnd();
            Assert.True(ended.ExitCode == 0, $"restored from {snapshot.GetProperty("seq")}: {ended}");

            Step[] life = [.. target.ReadSteps().Skip(before)];
            Assert.All(life, step => Assert.Equal(nonce, step.Nonce));
            int next = FirstStepAfter(firstLife, snapshot.GetProperty("time").GetDateTimeOffset());
            Assert.InRange(life[0].Number, next - 1, next);
            Assert.Equal(Enumerable.Range(life[0].Number, steps - life[0].Number + 1), life.Select(step => step.Number));
            Assert.Equal($"{nonce} {expected}", target.ReadResults()[^1]);
        }
    }

    /// <summary>Each generation is a snapshot of a process that was itself restored.</summary>
    [SkippableTheory]
    [InlineData("python")]
    [InlineData("node")]
    [InlineData("dotnet")]
    public void A_computation_survives_three_generations_of_snapshot_kill_and_restore(string kind)
    {
        const int steps = 300;
        using SnapStore store = SnapStore.OpenOrSkip();
        using StepTarget target = StartOrSkip(kind, steps);
        string expected = UndisturbedHash(kind, steps);
        string nonce = target.ReadSteps()[0].Nonce;
        Command? parent = null;
        for (int generation = 1; generation <= 3; generation++)
        {
            target.WaitForSteps(target.ReadSteps().Count + 10);
            JsonElement snapshot = store.Take(target.Pid);
            target.WaitForSteps(target.ReadSteps().Count + 5);
            target.Kill();
            parent?.WaitForEnd();
            parent = store.RestoreInto(target, snapshot.GetProperty("id").GetString()!, "--files", "keep");
        }

        Assert.Equal(0, parent!.WaitForEnd().ExitCode);
        Assert.Equal([$"{nonce} {expected}"], target.ReadResults());
    }

    private static int SnapshotCount(SnapStore store)
    {
        CommandResult log = store.Run("log", "--json");
        return log.ExitCode == 0 ? JsonDocument.Parse(log.Output).RootElement.GetArrayLength() : 0;
    }

    /// <summary>A step's line is stamped just before it is written, so the snapshot may lie between the two: then it is this step that comes next.</summary>
    private static int FirstStepAfter(IReadOnlyList<Step> life, DateTimeOffset moment)
    {
        double seconds = (moment - DateTimeOffset.UnixEpoch).TotalSeconds;
        return life.FirstOrDefault(step => step.Time >= seconds)?.Number ?? life[^1].Number + 1;
    }

    private static string UndisturbedHash(string kind, int steps)
    {
        using StepTarget undisturbed = StepTarget.Start(kind, steps, 0);
        undisturbed.WaitForEnd();
        return Assert.Single(undisturbed.ReadResults()).Split(' ')[1];
    }

    private static StepTarget StartOrSkip(string kind, int steps)
    {
        try
        {
            return StepTarget.Start(kind, steps, stepMs: 10);
        }
        catch (TargetUnavailableException unavailable)
        {
            Skip.If(true, string.Create(CultureInfo.InvariantCulture, $"{unavailable.Message}"));
            throw;
        }
    }
}

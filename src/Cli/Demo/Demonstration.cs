using System.Diagnostics;
using Snap.Cli.Output;
using Snap.Engine;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Restorer;
using Snap.Store;

namespace Snap.Cli.Demo;

/// <summary>Watch a program, kill it, bring it back from a moment before the last snapshot, and prove that it went on from exactly there.</summary>
internal sealed class Demonstration(Terminal terminal, bool quiet)
{
    private const int Snapshots = 10, Chosen = 5, StepsToShow = 3;
    private static readonly TimeSpan _every = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    /// <summary>Runs it; whatever happens, nothing of it is left behind.</summary>
    /// <exception cref="SnapException">Something that this machine doesn't allow, or a proof that failed.</exception>
    public DemoJson Run()
    {
        string directory = Directory.CreateTempSubdirectory("snap-demo-").FullName;
        ChildProcess? alive = null;
        try
        {
            return Run(directory, child => alive = child);
        }
        finally
        {
            alive?.Signal(Signal.SIGKILL);
            alive?.Wait();
            Directory.Delete(directory, recursive: true);
        }
    }

    private DemoJson Run(string directory, Action<ChildProcess?> keepAlive)
    {
        DemoProgram program = DemoProgram.Start(directory);
        keepAlive(program.Child);
        int pid = program.Child.Pid;
        DemoStep first = WaitForSteps(program, program.Child, 1, "the program to write its first line")[0];
        Say($"1. Started a program ({program.Description}, pid {pid}). It drew the random number {first.Number}, which is nowhere",
            "   but in its memory, and counts steps. After each it writes step, number and a checksum over all steps to a file.");

        using SnapEngine engine = SnapEngine.Open(Path.Combine(directory, "store"));
        Say("", $"2. Watching it: snap watch {pid} --every {(int)_every.TotalMilliseconds}ms. It runs on meanwhile, and stands still only for the pause.");
        List<(SnapshotInfo Snapshot, int Step)> taken = Watch(engine, program);

        WaitForSteps(program, program.Child, taken[^1].Step + StepsToShow, "the program to go on");
        program.Child.Signal(Signal.SIGKILL);
        program.Child.Wait();
        keepAlive(null);
        IReadOnlyList<DemoStep> before = program.ReadSteps();
        Say("", $"3. Killed it with SIGKILL: kill -9 {pid}. It is gone; the last it wrote was step {before[^1].Step}.");

        (SnapshotInfo snapshot, int stepAtSnapshot) = taken[Chosen - 1];
        double earlier = (taken[^1].Snapshot.Time - snapshot.Time).TotalSeconds;
        using RestoredProcess restored = engine.Restore(snapshot.Id, new RestoreOptions());
        restored.Release();
        keepAlive(restored.Child);
        Say("", $"4. Brought it back from #{snapshot.Sequence}, taken {earlier:0.0} s before the last snapshot, when it had just written step {stepAtSnapshot}:",
            $"   snap restore {snapshot.Id.Short}. It has pid {restored.Pid} again.");

        DemoStep[] after = [.. WaitForSteps(program, restored.Child, before.Count + StepsToShow, "the restored program to go on").Skip(before.Count).Take(StepsToShow)];
        Say("", "5. It goes on from exactly there. What it writes now, beside what it wrote before it was killed:");
        Compare(before, after);
        Say("", $"   The same number and checksums: this is the same memory at the moment of #{snapshot.Sequence}, not a new start.",
            "", "Nothing is left of this demo. Next: snap run --every 1s -- YOUR-PROGRAM, then snap log and snap restore.");
        return new DemoJson
        {
            Pid = pid,
            Program = program.Description,
            Snapshots = taken.Count,
            RestoredSeq = snapshot.Sequence,
            KilledAfterStep = before[^1].Step,
            ContinuedWithStep = after[0].Step,
            MedianPauseMicroseconds = taken.Select(one => SnapshotFacts.Of(one.Snapshot).PauseMicroseconds).Order().ElementAt(taken.Count / 2),
        };
    }

    private List<(SnapshotInfo Snapshot, int Step)> Watch(SnapEngine engine, DemoProgram program)
    {
        var taken = new List<(SnapshotInfo, int)>();
        using var loop = new WatchLoop(engine, program.Child.Pid, new WatchOptions
        {
            Every = _every,
            Count = Snapshots,
            Name = "demo",
            OnSnapshot = snapshot =>
            {
                int step = program.ReadSteps()[^1].Step;
                taken.Add((snapshot, step));
                Say($"   {SnapshotLine.Of(SnapshotJson.Of(snapshot))}  (about step {step})");
            },
        });
        WatchResult result = loop.Run(CancellationToken.None);
        if (taken.Count < Snapshots)
            throw result.Status.Reason ?? new SnapException(ErrorCatalogue.TargetEnded, "the demo's program ended", $"pid {program.Child.Pid}", result.End.ToString());
        return taken;
    }

    private void Compare(IReadOnlyList<DemoStep> before, DemoStep[] after)
    {
        foreach (DemoStep now in after)
        {
            DemoStep? then = before.FirstOrDefault(step => step.Step == now.Step);
            if (then != now || now.Step > before[^1].Step)
            {
                throw new SnapException(ErrorCatalogue.DemoFailed, "the restored program did not go on where the snapshot was taken",
                    why: $"it wrote: {now}; before: {then?.ToString() ?? $"it never got to step {now.Step}"}", toDo: "please report this, with the output of `snap check --json`");
            }

            Say($"   now:    {now}", $"   before: {then}");
        }
    }

    private static IReadOnlyList<DemoStep> WaitForSteps(DemoProgram program, ChildProcess runner, int count, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            IReadOnlyList<DemoStep> steps = program.ReadSteps();
            if (steps.Count >= count)
                return steps;
            if (runner.TryWait(out WaitStatus ended))
                throw new SnapException(ErrorCatalogue.DemoFailed, $"waited for {what}, but it {ended}", $"pid {runner.Pid}", $"it has written {steps.Count} lines of {count}");
            if (Stopwatch.GetElapsedTime(start) > _patience)
                throw new SnapException(ErrorCatalogue.DemoFailed, $"waited {_patience.TotalSeconds:0} s for {what}", program.LogPath, $"it has {steps.Count} lines of {count}");
            Thread.Sleep(10);
        }
    }

    private void Say(params string[] lines)
    {
        if (quiet)
            return;
        foreach (string line in lines)
            terminal.Out.WriteLine(line);
    }
}

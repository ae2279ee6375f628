using Snap.Dumper;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Testing;

namespace Snap.Restorer.Tests;

/// <summary>A tree that changes between the last look at it and the freeze, or in it. What was taken is always of one moment: it is restored, and checks itself.</summary>
public sealed class TreeRaceTests
{
    private const string LargeKib = "24576";

    [SkippableFact]
    public void A_child_that_comes_before_the_freeze_is_taken_in_it()
    {
        using Target target = Lives.Start("tree_changes");
        (CheckpointResult result, Capture taken) = Take(target, (1, () => target.Ask("fork 1024")));
        Assert.Equal(1, result.Freezes);
        Assert.Equal(2, result.Image.Processes.Count);
        CheckBoth(target, taken);
    }

    [SkippableFact]
    public void A_large_child_that_comes_before_the_freeze_is_streamed_live_first()
    {
        using Target target = Lives.Start("tree_changes");
        target.Ask("fork 64");
        (CheckpointResult result, Capture taken) = Take(target, (1, () => target.Ask("fork " + LargeKib)));
        Assert.Equal(2, result.Freezes);
        Assert.True(result.PagesCopiedInPause < 4096, $"{result.PagesCopiedInPause} pages were copied in the pause");
        Assert.Equal(3, result.Image.Processes.Count);
        CheckBoth(target, taken);
    }

    [SkippableFact]
    public void When_large_children_come_before_each_freeze_the_last_is_copied_in_the_pause_and_that_is_said()
    {
        using Target target = Lives.Start("tree_changes");
        Action another = () => target.Ask("fork " + LargeKib);
        (CheckpointResult result, Capture taken) = Take(target, (1, another), (2, another), (3, another), (4, another));
        Assert.Equal(4, result.Freezes);
        Assert.Contains(result.Notices, notice => notice.Contains("the pause was longer than usual", StringComparison.Ordinal));
        Assert.Equal(5, result.Image.Processes.Count);
        CheckBoth(target, taken);
    }

    // The fifth request for room is made in the last freeze, when all have been scanned and nothing was copied.
    [SkippableTheory]
    [InlineData(0)]
    [InlineData(3)]
    public void A_child_that_is_killed_in_the_pause_is_not_in_the_snapshot(int victim)
    {
        using Target target = Lives.Start("tree_changes");
        Action another = () => target.Ask("fork " + LargeKib);
        int killed = 0;
        (CheckpointResult result, Capture taken) = Take(target, (1, another), (2, another), (3, another), (4, () => target.Ask("fork 49152")), (5, () =>
        {
            killed = ProcessTable.ReadChildren(target.Pid)![victim];
            using ProcessHandle child = ProcessHandle.OpenOrGone(killed)!;
            child.TrySignal(Signal.SIGKILL);
            Patience.Until(() => TaskFiles.OfProcess(killed).ReadStat() is not { } stat || stat.State is 'Z' or 'X', "the child's end");
        }));
        Assert.NotEqual(0, killed);
        Assert.DoesNotContain(result.Image.Processes, process => process.Pid == killed);
        Assert.Equal(Signal.SIGKILL, Assert.Single(result.Image.Zombies).Status);
        Assert.Equal(4, result.Image.Processes.Count);
        target.Kill();
        Lives.Restore(target, taken);
        Assert.Contains(target.Check(), line => line.Contains("has ended: 9", StringComparison.Ordinal));
        Assert.Equal(4, ProcessTable.ReadChildren(target.Pid)!.Count);
    }

    [SkippableTheory]
    [InlineData("exec", 2, 0)]
    [InlineData("end", 1, 1)]
    [InlineData("reap", 1, 0)]
    public void A_child_that_changes_before_the_freeze_is_taken_as_it_is_then(string change, int processes, int zombies)
    {
        using Target target = Lives.Start("tree_changes");
        target.Ask("fork 1024");
        (CheckpointResult result, Capture taken) = Take(target, (1, () => target.Ask(change)));
        Assert.Equal((processes, zombies), (result.Image.Processes.Count, result.Image.Zombies.Count));
        CheckBoth(target, taken);
    }

    [SkippableFact]
    public void A_process_that_left_the_tree_with_a_pipe_of_it_is_noticed_however_late()
    {
        using Target target = Lives.Start("tree_changes");
        SnapException refused = Assert.Throws<SnapException>(() => Take(target, (1, () => target.Ask("orphan"))));
        Assert.Equal(ErrorCatalogue.DescriptorOutside, refused.Kind);
        Assert.Empty(target.Check());
        target.Ask("free");
        (_, Capture taken) = Take(target);
        CheckBoth(target, taken);
    }

    private static (CheckpointResult Result, Capture Capture) Take(Target target, params (int Request, Action Change)[] changes) =>
        TreeCapture.Take(target.Pid, request => Array.Find(changes, change => change.Request == request).Change?.Invoke());

    private static void CheckBoth(Target target, Capture taken)
    {
        Assert.Empty(target.Check());
        target.Kill();
        Lives.Restore(target, taken);
        Assert.Empty(target.Check());
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
    }
}

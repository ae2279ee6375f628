using Snap.Restorer;
using Snap.Store;
using Snap.Testing;

namespace Snap.Engine.Tests;

/// <summary>Snapshot, kill, restore, go on: real programs, real tracers, a real store.</summary>
public sealed class LifecycleTests
{
    [Fact]
    public void A_program_comes_back_at_any_of_its_snapshots_and_checks_itself()
    {
        using var live = new LiveEngine();
        using Target target = Target.Start("counter");
        var taken = new List<SnapshotInfo>();
        using (TargetSession session = live.Engine.Track(target.Pid, "counter"))
        {
            for (int i = 0; i < 5; i++)
            {
                Assert.Empty(target.Check());
                taken.Add(session.Take());
            }
        }

        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        foreach (SnapshotInfo snapshot in new[] { taken[4], taken[0], taken[2] })
        {
            using RestoredProcess restored = live.Restore(target, snapshot);
            Assert.Empty(target.Check());
            Assert.Empty(Fingerprint.FindHarm(target.Pid));
        }
    }

    [Fact]
    public void What_was_restored_is_the_parent_of_the_next_snapshot()
    {
        using var live = new LiveEngine();
        using Target target = Target.Start("counter");
        SnapshotInfo first;
        using (TargetSession session = live.Engine.Track(target.Pid))
        {
            first = session.Take();
            session.Take();
        }

        using RestoredProcess restored = live.Restore(target, first);
        live.Reopen();
        using TargetSession next = live.Engine.Track(target.Pid);
        SnapshotInfo third = next.Take();
        Assert.Equal(first.Id, third.Parent);
        Assert.Equal(first.Name, third.Name);
        Assert.Empty(target.Check());
    }
}

using System.Globalization;
using Snap.Image;
using Snap.Kernel.Processes;
using Snap.Store;
using Snap.Testing;
using Xunit.Abstractions;

namespace Snap.Engine.Tests;

/// <summary>
/// Engines that end without a word, at any moment: their tracers go on with the next one, what a checkpoint found that nobody stored comes with the next, and the
/// next is an increment of the newest snapshot there is. SNAP_SEED repeats a history, as far as times can be repeated; SNAP_ENGINE_DEATHS sets its length.
/// </summary>
public sealed class EngineDeathTests(ITestOutputHelper output)
{
    [Fact]
    public void A_tracer_goes_on_with_the_next_engine_and_the_next_snapshot_is_an_increment()
    {
        using var live = new OrphaningEngine();
        using Target target = Target.Start("busy_writer", "64", "50");
        SnapshotInfo first, second;
        int tracer;
        using (TargetSession session = live.Engine.Track(target.Pid, "job"))
        {
            first = session.Take();
            second = session.Take();
            tracer = session.TracerPid;
            live.Die();
        }

        live.Open();
        live.Engine.AdoptTracers();
        TargetSession kept = Assert.Single(live.Engine.Sessions);
        Assert.Equal((tracer, "job", second.Id), (kept.TracerPid, kept.Name, kept.Last!.Id));
        using SessionLease lease = live.Engine.Borrow(target.Pid);
        SnapshotInfo third = lease.Session.Take();
        Assert.Equal(second.Id, third.Parent);
        // A tracer that had begun anew would have given them all.
        Assert.True(third.Statistics.PagesGiven < first.Statistics.PagesGiven / 2, $"{third.Statistics} after {first.Statistics}");
        Assert.Equal(tracer, lease.Session.TracerPid);
        live.RestoreAndCheck(target, third);
    }

    /// <summary>The store decides what of an interval is settled that its tracer was told nothing of: it is in the store, or its pages come with the next.</summary>
    [Theory]
    [InlineData(FaultPoint.Encode, 1, false)]
    [InlineData(FaultPoint.Encode, 3, false)]
    [InlineData(FaultPoint.Commit, 1, false)]
    [InlineData(FaultPoint.Commit, 2, true)]
    [InlineData(FaultPoint.Acknowledge, 1, true)]
    public void What_an_engine_did_not_say_of_a_checkpoint_its_store_says(FaultPoint point, int pass, bool isStored)
    {
        using var live = new OrphaningEngine();
        using Target target = Target.Start("busy_writer", "32", "2000");
        SnapshotInfo first, newest;
        using (TargetSession session = live.Engine.Track(target.Pid, "job"))
        {
            first = session.Take();
            newest = session.Take();
            int passed = 0;
            live.OnPass = at =>
            {
                if (at != point || ++passed != pass)
                    return;
                live.Engine.Leave();
                if (!isStored)
                    throw new SnapException(ErrorCatalogue.Internal, "the engine was killed here");
            };
            if (isStored)
                newest = session.Take();
            else
                Assert.Throws<SnapException>(() => session.Take());
            Assert.Equal(pass, passed);
            live.OnPass = _ => { };
            live.Die();
        }

        live.Open();
        Assert.Equal(newest.Id, live.Engine.Reader.Snapshots[^1].Id);
        using SessionLease lease = live.Engine.Borrow(target.Pid);
        SnapshotInfo next = lease.Session.Take();
        Assert.Contains("goes on", Assert.Single(live.Said), StringComparison.Ordinal);
        Assert.Equal(newest.Id, next.Parent);
        Assert.True(next.Statistics.PagesGiven < first.Statistics.PagesGiven, $"{next.Statistics} after {first.Statistics}");
        SnapshotInfo last = lease.Session.Take();
        Assert.Equal(next.Id, last.Parent);
        live.RestoreAndCheck(target, next);
        live.RestoreAndCheck(target, last);
    }

    [Theory]
    [InlineData("busy_writer")]
    [InlineData("pthreads")]
    [InlineData("shared_memory")]
    public void Checkpoints_go_on_whenever_the_engine_ends(string program)
    {
        int seed = Setting("SNAP_SEED", Environment.TickCount & 0xFFFFFF);
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var live = new OrphaningEngine();
        using Target target = program == "busy_writer" ? Target.Start(program, "32", "20000") : Target.Start(program);
        var acknowledged = new List<SnapshotInfo>();
        int goneOn = 0;
        for (int deaths = Setting("SNAP_ENGINE_DEATHS", 8); deaths > 0; deaths--)
        {
            SnapshotInfo? before = live.Engine.Reader.Snapshots.LastOrDefault();
            using (SessionLease lease = live.Engine.Borrow(target.Pid, "job"))
            {
                TargetSession session = lease.Session;
                // One in four ends in the first checkpoint of that tracer, or the first after it went on.
                for (int takes = random.Next(4); takes > 0; takes--)
                {
                    acknowledged.Add(before = TakeOn(session, before));
                }

                Assert.True(session.TryBegin(out PendingSnapshot? pending));
                PendingSnapshot? another = random.Next(2) == 0 && session.TryBegin(out PendingSnapshot? begun) ? begun : null;
                Spin(TimeSpan.FromMicroseconds(random.Next(random.Next(2) == 0 ? 3000 : 30000)));
                live.Engine.Leave();
                foreach (PendingSnapshot each in another is null ? [pending] : new[] { pending, another })
                {
                    if (Try(each.Wait) is { } stored)
                        acknowledged.Add(stored);
                }

                live.Die();
            }

            Assert.Empty(target.Check());
            live.Open();
            live.Engine.AdoptTracers();
            goneOn += live.Engine.Sessions.Count;
        }

        Assert.All(live.Said, said => Assert.Contains("goes on", said, StringComparison.Ordinal));
        Assert.Equal(live.Said.Count, goneOn);
        Assert.True(goneOn > 0);
        using (SessionLease lease = live.Engine.Borrow(target.Pid))
            acknowledged.Add(TakeOn(lease.Session, live.Engine.Reader.Snapshots.LastOrDefault()));
        SnapshotInfo[] there = [.. live.Engine.Reader.Snapshots];
        Assert.Empty(acknowledged.Select(snapshot => snapshot.Id).Except(there.Select(snapshot => snapshot.Id)));
        foreach (SnapshotInfo snapshot in there.Where((_, i) => i % 3 == 0).Append(there[^1]))
            live.RestoreAndCheck(target, snapshot);
    }

    [Fact]
    public void A_tracer_that_counts_from_a_snapshot_that_is_gone_lets_go_and_the_next_takes_all()
    {
        using var live = new OrphaningEngine();
        using Target target = Target.Start("busy_writer", "16", "50");
        SnapshotInfo first, second;
        using (TargetSession session = live.Engine.Track(target.Pid, "job"))
        {
            first = session.Take();
            second = session.Take();
            live.Die();
        }

        live.Open();
        live.Engine.Remove([second.Id]);
        using SessionLease lease = live.Engine.Borrow(target.Pid);
        SnapshotInfo third = lease.Session.Take();
        Assert.Contains($"it counts from snapshot {second.Id.Short}", Assert.Single(live.Said), StringComparison.Ordinal);
        Assert.Equal(first.Id, third.Parent);
        Assert.True(third.Statistics.PagesGiven > first.Statistics.PagesGiven / 2, $"{third.Statistics} after {first.Statistics}");
        live.RestoreAndCheck(target, third);
    }

    [Fact]
    public void A_tracer_that_no_engine_comes_for_lets_its_target_go()
    {
        using var live = new OrphaningEngine(TimeSpan.FromMilliseconds(300));
        using Target target = Target.Start("counter");
        using TargetSession session = live.Engine.Track(target.Pid);
        session.Take();
        using ProcessHandle tracer = ProcessHandle.OpenOrGone(session.TracerPid)!;
        Assert.Single(live.Meetings);
        live.Die();
        Assert.True(tracer.WaitForExit((int)Patience.Limit.TotalMilliseconds));
        Assert.Empty(live.Meetings);
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        Assert.Empty(target.Check());
    }

    [Fact]
    public void A_tracer_whose_store_or_target_is_gone_ends_at_once()
    {
        using var live = new OrphaningEngine();
        using Target one = Target.Start("counter"), other = Target.Start("sleeper");
        ProcessHandle[] tracers = [.. new[] { one, other }.Select(target => ProcessHandle.OpenOrGone(live.Engine.Track(target.Pid).TracerPid)!)];
        live.Die();
        one.Kill();
        Assert.True(tracers[0].WaitForExit((int)Patience.Limit.TotalMilliseconds));
        Assert.False(tracers[1].HasExited);
        Directory.Delete(live.StoreDirectory, recursive: true);
        Assert.True(tracers[1].WaitForExit((int)Patience.Limit.TotalMilliseconds));
        Assert.Empty(other.Check());
        Array.ForEach(tracers, tracer => tracer.Dispose());
    }

    /// <summary>What a tracer of another version understands of us, and we of it: its greeting, and that it is to stop.</summary>
    [Fact]
    public void Whoever_connects_and_says_nothing_good_is_left_again()
    {
        using var live = new OrphaningEngine();
        using Target target = Target.Start("counter");
        using TargetSession session = live.Engine.Track(target.Pid);
        SnapshotInfo first = session.Take();
        live.Die();
        string meeting = Assert.Single(live.Meetings);
        foreach (byte[] said in new byte[][] { [], [1, 2, 3], [2, 0, 0, 0, 18, 0, 0, 0, (byte)'{', (byte)'}'], [0, 0, 0, 0, 13, 0, 0, 0] })
        {
            Snap.Kernel.Files.UnixSocket.TryConnect(Path.GetDirectoryName(meeting)!, Path.GetFileName(meeting), out Snap.Kernel.Files.FileDescriptor? connected);
            using (connected)
                connected!.WriteAll(said);
        }

        live.Open();
        using SessionLease lease = live.Engine.Borrow(target.Pid);
        Assert.Equal(first.Id, lease.Session.Take().Parent);
        Assert.Contains("goes on", Assert.Single(live.Said), StringComparison.Ordinal);
    }

    [Fact]
    public void An_engine_that_ends_in_good_order_leaves_nothing()
    {
        using var live = new OrphaningEngine();
        using Target target = Target.Start("counter");
        TargetSession session = live.Engine.Track(target.Pid);
        session.Take();
        using ProcessHandle tracer = ProcessHandle.OpenOrGone(session.TracerPid)!;
        live.Engine.Dispose();
        Assert.True(tracer.HasExited);
        Assert.Empty(live.Meetings);
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
    }

    private static SnapshotInfo TakeOn(TargetSession session, SnapshotInfo? newest)
    {
        SnapshotInfo taken = session.Take();
        Assert.Equal(newest?.Id ?? SnapshotId.None, taken.Parent);
        return taken;
    }

    private static T? Try<T>(Func<T> step)
        where T : class
    {
        try
        {
            return step();
        }
        catch (SnapException lost) when (lost.Kind == ErrorCatalogue.TracerLost)
        {
            return null;
        }
    }

    private static void Spin(TimeSpan time)
    {
        for (long start = System.Diagnostics.Stopwatch.GetTimestamp(); System.Diagnostics.Stopwatch.GetElapsedTime(start) < time;)
            Thread.SpinWait(20);
    }

    private static int Setting(string name, int value) =>
        Environment.GetEnvironmentVariable(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : value;
}

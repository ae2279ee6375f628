using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Store;
using Snap.Testing;

namespace Snap.Engine.Tests;

/// <summary>Sessions over a real store, with a model of a tracer: what is asked for, stored, failed and merged.</summary>
public sealed class TargetSessionTests
{
    [Fact]
    public void Each_snapshot_holds_memory_as_it_was_then()
    {
        using var model = new ModelEngine();
        var expected = new List<string>();
        model.OnStart = tracer => tracer.OnTake = (interval, memory) =>
        {
            memory.Write(interval, (byte)interval);
            memory.Write(100, (byte)(interval * 3));
            if (interval > 2)
                memory.Write(interval - 2, null);
            expected.Add(ModelTracer.Text(memory.Memory));
        };
        using TargetSession session = model.Engine.Track(model.Target.Child.Pid, "web");
        List<SnapshotInfo> taken = [.. Enumerable.Range(0, 5).Select(_ => session.Take())];
        Assert.Equal(expected, taken.Select(model.Read));
        Assert.Equal([true, false, false, false, false], taken.Select(snapshot => SnapshotFacts.Of(snapshot).Full));
        Assert.Equal([SnapshotId.None, .. taken.Take(4).Select(snapshot => snapshot.Id)], taken.Select(snapshot => snapshot.Parent));
        Assert.Equal<ulong>([1, 2, 3, 4, 5], taken.Select(snapshot => snapshot.Sequence));
        using SnapshotContent third = model.Engine.Reader.OpenSnapshot(taken[2].Id);
        Assert.Equal(3, ImageCodec.Decode(third.ReadImage()).Processes[0].Umask);
    }

    [Fact]
    public void Facts_name_process_pause_and_what_was_missed()
    {
        using var model = new ModelEngine();
        using TargetSession session = model.Engine.Track(model.Target.Child.Pid);
        Assert.Equal("sleep", session.Name);
        SnapshotFacts facts = SnapshotFacts.Of(session.Take(missedBefore: 7));
        Assert.Equal((model.Target.Child.Pid, 1, 100L, 7L, "worker --fast"), (facts.Pid, facts.Processes, facts.PauseMicroseconds, facts.Missed, facts.Command));
        Assert.NotEqual(0UL, facts.StartTime);
    }

    /// <summary>The next engine on the same process goes on with the chain: its tracer begins anew with a full copy, which the parent's pages are compared with.</summary>
    [Fact]
    public void A_new_session_goes_on_with_the_chain_and_drops_what_is_not_there_any_more()
    {
        using var model = new ModelEngine();
        model.OnStart = tracer => tracer.OnTake = (_, memory) =>
        {
            memory.Write(1, 1);
            memory.Write(2, 2);
            memory.Write(3, 0);
        };
        SnapshotInfo first;
        using (TargetSession session = model.Engine.Track(model.Target.Child.Pid, "web"))
            first = session.Take();
        model.Reopen();
        model.OnStart = tracer => tracer.OnTake = (_, memory) =>
        {
            memory.Write(2, 2);
            memory.Write(7, 7);
        };
        using TargetSession next = model.Engine.Track(model.Target.Child.Pid);
        SnapshotInfo second = next.Take();
        Assert.Equal("web", next.Name);
        Assert.Equal(first.Id, second.Parent);
        Assert.Equal("2=2 7=7", model.Read(second));
        Assert.Equal("1=1 2=2 3=0", model.Read(first));
        Assert.Equal(1, second.Statistics.PagesUnchanged);
        Assert.Equal([ModelTracer.Space], model.Tracers[1].KnownSpaces.Select(space => space.Id));
    }

    /// <summary>The first commit fails for want of room while the next two intervals are taken: none of their pages may be lost.</summary>
    [Fact]
    public void A_failed_commit_with_two_intervals_queued_loses_no_page()
    {
        using var model = new ModelEngine();
        string expected = "";
        model.OnStart = tracer => tracer.OnTake = (interval, memory) =>
        {
            memory.Write(interval, (byte)interval);
            memory.Write(100 + (interval % 2), (byte)(interval * 5));
            expected = ModelTracer.Text(memory.Memory);
        };
        using TargetSession session = model.Engine.Track(model.Target.Child.Pid, "web");
        SnapshotInfo first = session.Take();
        // While this one is held at its commit the tracer takes the next, which builds on it; then there is no room.
        using var taken = new ManualResetEventSlim();
        int commits = 0;
        model.OnPass = point =>
        {
            if (point != FaultPoint.Commit || ++commits > 1)
                return;
            taken.Wait();
            throw new KernelException(Errno.ENOSPC, "write");
        };
        Assert.True(session.TryBegin(out PendingSnapshot? second));
        Assert.True(session.TryBegin(out PendingSnapshot? third));
        Assert.False(session.TryBegin(out _));
        Patience.Until(() => model.Tracers[0].TakenIntervals == 3, "the tracer to take both");
        taken.Set();
        Assert.Equal(ErrorCatalogue.StoreFull, Assert.Throws<SnapException>(second.Wait).Kind);
        Assert.True(session.TryBegin(out PendingSnapshot? fourth));
        Assert.Equal(ErrorCatalogue.EarlierIntervalFailed, Assert.Throws<SnapException>(third.Wait).Kind);
        SnapshotInfo next = fourth.Wait();
        Assert.Equal(first.Id, next.Parent);
        Assert.Equal(expected, model.Read(next));
        Assert.Equal<ulong>([2], model.Tracers[0].FailedIntervals);
        SnapshotInfo last = session.Take();
        Assert.Equal(expected, model.Read(last));
        Assert.Equal(next.Id, last.Parent);
    }

    [Fact]
    public void A_failed_first_snapshot_is_full_again()
    {
        using var model = new ModelEngine();
        model.OnStart = tracer => tracer.OnTake = (interval, memory) => memory.Write(interval, 1);
        int encoded = 0;
        model.OnPass = point =>
        {
            if (point == FaultPoint.Encode && ++encoded == 1)
                throw new KernelException(Errno.EIO, "write");
        };
        using TargetSession session = model.Engine.Track(model.Target.Child.Pid, "web");
        Assert.Equal(ErrorCatalogue.StoreDisk, Assert.Throws<SnapException>(() => session.Take()).Kind);
        SnapshotInfo second = session.Take();
        Assert.True(second.IsFull);
        Assert.Equal("1=1 2=1", model.Read(second));
    }

    [Fact]
    public void A_dead_tracer_fails_what_is_under_way_and_the_next_checkpoint_starts_a_new_one()
    {
        using var model = new ModelEngine();
        int takes = 0;
        model.OnStart = tracer => tracer.OnTake = (_, memory) =>
        {
            memory.Write(1, 9);
            if (++takes == 2)
                throw new InvalidOperationException("a bug in the tracer");
        };
        using TargetSession session = model.Engine.Track(model.Target.Child.Pid, "web");
        SnapshotInfo first = session.Take();
        SnapException lost = Assert.Throws<SnapException>(() => session.Take());
        Assert.Equal(ErrorCatalogue.TracerLost, lost.Kind);
        Assert.Contains("a bug in the tracer", lost.Why, StringComparison.Ordinal);
        SnapshotInfo third = session.Take();
        Assert.Equal(first.Id, third.Parent);
        // The new tracer gave every page, but the snapshot has a parent: it is an increment.
        Assert.False(SnapshotFacts.Of(third).Full);
        Assert.Equal("1=9", model.Read(third));
        Assert.Equal(2, model.Tracers.Count);
    }

    [Fact]
    public void A_checkpoint_that_was_not_taken_is_told_and_harms_nothing()
    {
        using var model = new ModelEngine();
        model.OnStart = tracer => tracer.OnTake = (interval, memory) =>
        {
            memory.Write(interval, 1);
            if (interval == 2)
                throw new SnapException(ErrorCatalogue.FreezeTimedOut, "it would not stop");
        };
        using TargetSession session = model.Engine.Track(model.Target.Child.Pid, "web");
        session.Take();
        Assert.Equal(ErrorCatalogue.FreezeTimedOut, Assert.Throws<SnapException>(() => session.Take()).Kind);
        Assert.Equal("1=1 2=1 3=1", model.Read(session.Take()));
    }

    [Fact]
    public void A_name_of_another_live_process_is_refused_or_made_unique()
    {
        using var model = new ModelEngine();
        using Command other = Command.Start("sleep", ["1000"]);
        using (TargetSession session = model.Engine.Track(model.Target.Child.Pid))
            session.Take();
        using (TargetSession session = model.Engine.Track(other.Child.Pid))
            Assert.Equal($"sleep-{other.Child.Pid}", session.Name);
        Assert.Equal(ErrorCatalogue.NameInUse, Assert.Throws<SnapException>(() => model.Engine.Track(other.Child.Pid, "sleep")).Kind);
        model.Target.Dispose();
        using (TargetSession session = model.Engine.Track(other.Child.Pid, "sleep"))
            Assert.True(session.Take().IsFull);
    }

    [Theory]
    [InlineData("python3", "python3")]
    [InlineData("Web Content", "Web_Content")]
    [InlineData("2fast", "_2fast")]
    [InlineData("cafe", "_cafe")]
    [InlineData("latest", "_latest")]
    [InlineData("äöü", "pid-7")]
    [InlineData("", "pid-7")]
    public void A_name_is_made_of_the_command(string command, string name) => Assert.Equal(name, ChainChoice.Sanitised(command, 7));

    [Fact]
    public void A_process_that_does_not_exist_is_told()
    {
        using var model = new ModelEngine();
        int pid = model.Target.Child.Pid;
        model.Target.Dispose();
        Assert.Equal(ErrorCatalogue.TargetNotFound, Assert.Throws<SnapException>(() => model.Engine.Track(pid)).Kind);
    }
}

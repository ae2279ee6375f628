using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Store;

namespace Snap.Engine.Tests;

/// <summary>Ticks, ends and failures of a watch, with a model of a tracer.</summary>
public sealed class WatchLoopTests
{
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(5);

    [Fact]
    public void It_ends_after_as_many_snapshots_as_were_wanted()
    {
        using var model = new ModelEngine();
        var told = new List<SnapshotInfo>();
        WatchResult result = Watch(model, new WatchOptions { Every = _tick, Count = 12, OnSnapshot = told.Add });
        Assert.Equal(WatchEnd.CountReached, result.End);
        Assert.Equal(12, result.Status.Snapshots);
        Assert.Equal(model.Engine.Reader.Snapshots.Select(snapshot => snapshot.Id), told.Select(snapshot => snapshot.Id));
        Assert.Equal(told[^1], result.Status.Last);
        Assert.Equal(told.Sum(snapshot => snapshot.Statistics.BytesStored), result.Status.BytesStored);
    }

    [Fact]
    public void It_ends_when_its_time_is_over()
    {
        using var model = new ModelEngine();
        WatchResult result = Watch(model, new WatchOptions { Every = _tick, For = TimeSpan.FromMilliseconds(200) });
        Assert.Equal(WatchEnd.TimeOver, result.End);
        Assert.True(result.Status.Elapsed >= TimeSpan.FromMilliseconds(200));
    }

    /// <summary>Every tick up to the end is either a snapshot or counted as missed, and each snapshot carries what was missed before it.</summary>
    [Fact]
    public void Ticks_that_the_encoder_has_no_room_for_are_counted()
    {
        using var model = new ModelEngine();
        using var slowDisk = new ManualResetEvent(false);
        model.OnPass = point =>
        {
            if (point == FaultPoint.Commit)
                slowDisk.WaitOne(20);
        };
        var told = new List<SnapshotInfo>();
        WatchResult result = Watch(model, new WatchOptions { Every = _tick, Count = 6, OnSnapshot = told.Add });
        long[] carried = [.. told.Select(snapshot => SnapshotFacts.Of(snapshot).Missed)];
        Assert.True(carried.Sum() is var sum && sum >= 1 && sum <= result.Status.Missed, $"{result.Status} carried {string.Join(' ', carried)}");
    }

    [Fact]
    public void It_ends_with_its_target()
    {
        using var model = new ModelEngine();
        WatchResult result = Watch(model, new WatchOptions { Every = _tick, OnSnapshot = _ => model.Target.Signal(Signal.SIGKILL) });
        Assert.Equal(WatchEnd.TargetEnded, result.End);
        Assert.True(result.Status.Snapshots > 0);
    }

    [Fact]
    public void It_ends_when_it_is_cancelled()
    {
        using var model = new ModelEngine();
        using var stop = new CancellationTokenSource();
        WatchResult result = Watch(model, new WatchOptions { Every = TimeSpan.FromHours(1), OnSnapshot = _ => stop.Cancel() }, stop.Token);
        Assert.Equal((WatchEnd.Cancelled, 1L), (result.End, result.Status.Snapshots));
    }

    [Fact]
    public void What_can_not_be_captured_for_now_is_told_and_tried_again()
    {
        using var model = new ModelEngine();
        model.OnStart = tracer => tracer.OnTake = (interval, _) =>
        {
            if (interval == 2)
                throw new SnapException(ErrorCatalogue.FreezeTimedOut, "it would not stop");
        };
        var seen = new List<WatchStatus>();
        WatchResult result = Watch(model, new WatchOptions { Every = _tick, Count = 3, OnStatus = seen.Add });
        WatchStatus failing = seen.First(status => status.Reason is not null);
        Assert.Equal("it would not stop", failing.Reason!.What);
        Assert.NotNull(failing.NotCapturedSince);
        Assert.Null(result.Status.NotCapturedSince);
        Assert.True(result.Status.Missed > 0);
    }

    [Fact]
    public void A_full_store_is_waited_for()
    {
        using var model = new ModelEngine();
        int commits = 0;
        model.OnStart = tracer => tracer.OnTake = (interval, memory) => memory.Write(interval, 1);
        model.OnPass = point =>
        {
            if (point == FaultPoint.Commit && ++commits == 3)
                throw new KernelException(Errno.ENOSPC, "write");
        };
        var seen = new List<WatchStatus>();
        SnapshotInfo? last = null;
        WatchResult result = Watch(model, new WatchOptions { Every = _tick, Count = 3, OnStatus = seen.Add, OnSnapshot = snapshot => last = snapshot });
        Assert.Contains(seen, status => status.WaitsForRoom && status.Reason?.Kind == ErrorCatalogue.StoreFull);
        Assert.False(result.Status.WaitsForRoom);
        Assert.Equal(ModelTracer.Text(model.Tracers[0].Memory), model.Read(last!));
    }

    [Fact]
    public void A_target_that_can_not_be_captured_at_all_is_told_at_once()
    {
        using var model = new ModelEngine();
        model.OnStart = _ => throw new SnapException(ErrorCatalogue.UnderSeccomp, "no way");
        Assert.Equal("no way", Assert.Throws<SnapException>(() => Watch(model, new WatchOptions { Every = _tick })).What);
    }

    [Fact]
    public void A_target_that_can_not_be_captured_at_first_is_tried_again()
    {
        using var model = new ModelEngine();
        int starts = 0;
        model.OnStart = tracer =>
        {
            if (++starts < 3)
                throw new SnapException(ErrorCatalogue.DescriptorUnsupported, "not with that open");
            tracer.OnTake = (interval, memory) => memory.Write(interval, 1);
        };
        var seen = new List<WatchStatus>();
        WatchResult result = Watch(model, new WatchOptions { Every = _tick, Count = 1, OnStatus = seen.Add });
        Assert.Contains(seen, status => status.NotCapturedSince is not null && status.Reason!.What == "not with that open");
        Assert.Equal(1, result.Status.Snapshots);
    }

    private static WatchResult Watch(ModelEngine model, WatchOptions options, CancellationToken stop = default)
    {
        using var loop = new WatchLoop(model.Engine, model.Target.Child.Pid, options with { RetryPeriod = _tick * 2 });
        return loop.Run(stop);
    }
}

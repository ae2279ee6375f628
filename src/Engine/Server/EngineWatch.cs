using Snap.Engine.Api;
using Snap.Engine.Rescue;
using Snap.Image;
using Snap.Kernel.Procfs;
using Snap.Store;

namespace Snap.Engine.Server;

/// <summary>A watch at work in the engine, on a thread of its own; or one that has ended.</summary>
internal sealed class EngineWatch
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<WatchResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action<WatchEvent> _tell;
    private readonly long _resumedAt;
    private readonly bool _isResumed;
    private long _snapshots;

    /// <param name="number">Its number.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="tell">Is told of everything.</param>
    /// <param name="resumed">A watch of an engine before this one, which this one goes on with.</param>
    public EngineWatch(long number, WatchRequest request, Action<WatchEvent> tell, WatchRecord? resumed = null)
    {
        (Number, Request, _tell) = (number, request, tell);
        (Since, _snapshots) = (resumed?.Since ?? DateTimeOffset.UtcNow, resumed?.Snapshots ?? 0);
        (_isResumed, _resumedAt) = (resumed is not null, _snapshots);
        Command = TaskFiles.OfProcess(request.Pid).ReadCommandText();
    }

    public long Number { get; }

    public WatchRequest Request { get; }

    public string Command { get; }

    public DateTimeOffset Since { get; }

    /// <summary>Snapshots so far.</summary>
    public long Snapshots => Volatile.Read(ref _snapshots);

    /// <summary>The newest; null before the first.</summary>
    public WatchStatus? Status { get; private set; }

    public SnapshotInfo? Last { get; private set; }

    public DateTimeOffset? EndedAt { get; private set; }

    /// <summary>How it ended, in words.</summary>
    public string? End { get; private set; }

    /// <summary>How it ended; or the <see cref="SnapException"/> that ended it.</summary>
    public Task<WatchResult> Result => _result.Task;

    /// <summary>Done when it is over, however it ended, and nothing is left to be noted of it.</summary>
    public Task Over => _over.Task;

    /// <summary>Done after the first attempt, whatever came of it.</summary>
    public Task Tried => _tried.Task;

    /// <summary>Asks it to end.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>Says that its end is noted.</summary>
    public void Leave() => _over.TrySetResult();

    /// <summary>Watches, to the end.</summary>
    public void Run(IEngine engine)
    {
        WatchResult? result = null;
        SnapException? failure = null;
        try
        {
            result = engine.Watch(Request.Pid, Options(), _stop.Token);
        }
        catch (SnapException failed)
        {
            failure = failed;
        }
#pragma warning disable CA1031 // The top of a thread: whoever asked for the watch is told, and other targets' watches go on.
        catch (Exception unexpected)
        {
            failure = new SnapException(ErrorCatalogue.Internal, "a watch met a failure that it did not expect", $"pid {Request.Pid}", unexpected.ToString(), inner: unexpected);
        }
#pragma warning restore CA1031
        End = failure is not null ? $"{failure.Kind.Id} {failure.What}" : Words(result!);
        EndedAt = DateTimeOffset.UtcNow;
        _tell(failure is not null ? new WatchEvent { Error = Dumper.Host.ErrorMessage.Of(failure) } : new WatchEvent { End = result!.End, Exit = result.TargetExit?.Raw });
        if (failure is not null)
            _result.TrySetException(failure);
        else
            _result.TrySetResult(result!);
        _ = _result.Task.Exception;
        _tried.TrySetResult();
    }

    /// <summary>As the API tells it.</summary>
    public TrackedTarget Describe(TargetSession? session) => new()
    {
        Pid = Request.Pid,
        Name = Status?.Name ?? Last?.Name ?? session?.Name ?? Request.Name,
        Command = Command,
        Watch = Number,
        Detached = Request.Detach,
        EveryMilliseconds = Request.EveryMilliseconds,
        Since = Since,
        Tracker = session is { TracerPid: > 0 } ? session.Tracker : null,
        TracerPid = session?.TracerPid ?? 0,
        Snapshots = Snapshots,
        Missed = Status?.Missed ?? 0,
        Last = Last?.Id,
        LastTime = Last?.Time,
        LastPauseMicroseconds = Last is { } last ? SnapshotFacts.Of(last).PauseMicroseconds : null,
        NotCapturedSince = Status?.NotCapturedSince,
        Reason = Status?.Reason is { } reason ? $"{reason.Kind.Id} {reason.What}{(reason.Why is { } why ? $" ({why})" : "")}" : null,
        EndedAt = EndedAt,
        End = End,
    };

    private static string Words(WatchResult result) => result.End switch
    {
        WatchEnd.TargetEnded => result.TargetExit is { } exit ? $"the target {exit.Past}" : "the target ended",
        WatchEnd.CountReached => "as many snapshots as were wanted",
        WatchEnd.TimeOver => "its time was over",
        _ => "it was stopped",
    };

    private WatchOptions Options() => new()
    {
        Every = TimeSpan.FromMilliseconds(Request.EveryMilliseconds),
        Count = Request.Count - _resumedAt,
        For = Request.ForMilliseconds is { } limit ? TimeSpan.FromMilliseconds(limit) - (_isResumed ? DateTimeOffset.UtcNow - Since : TimeSpan.Zero) : null,
        Name = Request.Name,
        Durability = Request.Durability,
        Exclude = Request.Exclude ?? [],
        MaxPause = Request.MaxPauseMilliseconds is { } pause ? TimeSpan.FromMilliseconds(pause) : null,
        Keep = Request.Keep is { } rules ? RetentionPolicy.Parse(rules) : null,
        // One that was under way before isn't at its start.
        RetryFromTheStart = Request.Retry || _isResumed,
        OnExit = Request.OnExit is { } rescue ? new RescueOptions { Files = rescue.Files, Limit = rescue.Limit ?? RescueOptions.DefaultLimit } : null,
        OnRescued = rescued => _tell(new WatchEvent { Rescued = RescuedBody.Of(rescued) }),
        OnGap = Request.OnGap,
        OnGapFailure = failure => _tell(new WatchEvent { GapFailure = Dumper.Host.ErrorMessage.Of(failure) }),
        OnKeepFailure = failure => _tell(new WatchEvent { KeepFailure = Dumper.Host.ErrorMessage.Of(failure) }),
        OnSnapshot = snapshot =>
        {
            Last = snapshot;
            Interlocked.Increment(ref _snapshots);
            _tell(new WatchEvent { Snapshot = SnapshotBody.Of(snapshot) });
            _tried.TrySetResult();
        },
        OnStatus = status =>
        {
            Status = status;
            _tell(new WatchEvent { Status = StatusBody.Of(status) });
            if (status.Reason is not null)
                _tried.TrySetResult();
        },
    };
}

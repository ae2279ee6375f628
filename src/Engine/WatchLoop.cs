// Invariants.
// Must: a tick that stores nothing is counted, and the next snapshot carries the count.
// Should: tick N is at start + N * every, whatever the ticks before it took; ticks whose time went by are missed, never made up for in a burst.
using System.Diagnostics;
using Snap.Engine.Rescue;
using Snap.Image;
using Snap.Kernel.Processes;
using Snap.Store;

namespace Snap.Engine;

/// <summary>Takes a checkpoint of a process at every tick, until an end is reached.</summary>
public sealed partial class WatchLoop : IDisposable
{
    private static readonly TimeSpan _statusPeriod = TimeSpan.FromSeconds(1);

    private const long RoomStep = 1 << 20;

    private static readonly HashSet<ErrorKind> _passing =
    [
        ErrorCatalogue.TreeUnsupported, ErrorCatalogue.SharesResources, ErrorCatalogue.ThreadUnsupported, ErrorCatalogue.MemoryUnsupported, ErrorCatalogue.FileUnreachable,
        ErrorCatalogue.DescriptorUnsupported, ErrorCatalogue.DescriptorOutside, ErrorCatalogue.LockUnsupported, ErrorCatalogue.TargetIsStopped,
        ErrorCatalogue.TargetIsRecovering, ErrorCatalogue.TargetTraced, ErrorCatalogue.FreezeTimedOut, ErrorCatalogue.TooMuchToCopy,
    ];

    private readonly SnapEngine _engine;
    private readonly int _pid;
    private readonly WatchOptions _options;
    private readonly GapHook? _gapHook;
    private readonly AutoResetEvent _wake = new(false);
    private readonly Queue<PendingSnapshot> _pending = [];
    private readonly List<long> _pauses = [];
    private readonly Stopwatch _clock = new();
    private ProcessHandle? _target;
    private SessionLease? _lease;
    private RetentionKeeper? _keeper;
    private string? _name;
    private long _snapshots, _missed, _missedSinceLast, _bytes;
    private long _tick;
    private SnapshotInfo? _last;
    private DateTimeOffset? _failingSince;
    private SnapException? _reason;
    private TimeSpan _retryAt;
    private TimeSpan _statusAt;
    private long? _roomAtFailure;
    private bool _wasAttached;

    /// <summary>Prepares to watch a process; nothing is touched before <see cref="Run"/>.</summary>
    public WatchLoop(SnapEngine engine, int pid, WatchOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Every, TimeSpan.Zero, nameof(options));
        (_engine, _pid, _options) = (engine, pid, options);
        _target = ProcessHandle.OpenOrGone(pid);
        _gapHook = options.OnGap is { } command ? new GapHook(command, options.OnGapFailure) : null;
    }

    /// <summary>Watches until an end is reached.</summary>
    /// <exception cref="SnapException">The target can't be captured at the start, for a reason that won't pass, or the store can't be written (but a full one is waited for).</exception>
    public WatchResult Run(CancellationToken cancellation)
    {
        CheckRescue();
        using CancellationTokenRegistration waking = cancellation.Register(() => _wake.Set());
        _clock.Start();
        WatchEnd end;
        while (true)
        {
            Collect();
            if (FindEnd(cancellation) is { } found)
            {
                if (found == WatchEnd.TargetEnded && TryBringBack(cancellation))
                    continue;
                end = found;
                break;
            }

            if (_clock.Elapsed >= TickTime(_tick))
                Tick();
            if (_clock.Elapsed >= _statusAt)
                TellStatus();
            WaitForNext();
        }

        return Finish(end);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lease?.Dispose();
        EndKeeper();
        EndRescued();
        _target?.Dispose();
        _wake.Dispose();
    }

    private void EndKeeper()
    {
        _keeper?.Dispose();
        _keeper = null;
    }

    private TimeSpan TickTime(long tick) => _options.Every * tick;

    private bool WantsMore => _options.Count is not { } count || _snapshots + _pending.Count < count;

    private WatchEnd? FindEnd(CancellationToken cancellation)
    {
        if (_options.Count is { } count && _snapshots >= count)
            return WatchEnd.CountReached;
        if (_target is null || _target.HasExited || _lease is { Session.TargetGone: true })
            return _wasAttached || _target is not null ? WatchEnd.TargetEnded : throw new SnapException(ErrorCatalogue.TargetNotFound, $"there is no process {_pid}", $"/proc/{_pid}",
                "it doesn't exist, or has ended", "see ps for the processes there are");
        if (cancellation.IsCancellationRequested)
            return WatchEnd.Cancelled;
        return _options.For is { } limit && _clock.Elapsed >= limit ? WatchEnd.TimeOver : null;
    }

    private void Tick()
    {
        // Where the loop was late by whole ticks, those are gone.
        long due = (long)(_clock.Elapsed / _options.Every);
        Miss(due - _tick);
        _tick = due + 1;
        if (!WantsMore)
            return;
        if (!MayTry() || !TryBegin())
            Miss(1);
    }

    private bool MayTry()
    {
        if (_reason is null)
            return true;
        if (_clock.Elapsed < _retryAt)
            return false;
        return _roomAtFailure is not { } room || _clock.Elapsed >= _retryAt + (_options.RetryPeriod * 4) || FreeRoom() >= room + RoomStep;
    }

    private bool TryBegin()
    {
        try
        {
            _lease ??= _engine.Borrow(_pid, _options.Name);
            _name = _lease.Session.Name;
            _wasAttached = true;
            if (_options.Keep is { } policy)
                _keeper ??= new RetentionKeeper(_engine, _name, policy, _options.KeepPeriod, _options.OnKeepFailure);
            if (!_lease.Session.TryBegin(out PendingSnapshot? pending, _missedSinceLast, _options.Durability, _options.MaxPause, _options.Exclude))
                return false;
            _missedSinceLast = 0;
            _pending.Enqueue(pending);
            pending.Completion.ContinueWith(_ => Wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            return true;
        }
        catch (SnapException refused)
        {
            if (!_wasAttached && !MayPass(refused.Kind) && !_options.RetryFromTheStart && _target is { HasExited: false })
                throw;
            Failed(refused);
            return false;
        }
    }

    /// <summary>What stands in the way now may be gone at the next try: a child that hasn't executed its program yet, an open descriptor, a debugger.</summary>
    private static bool MayPass(ErrorKind reason) => _passing.Contains(reason);

    private void Wake()
    {
        try
        {
            _wake.Set();
        }
        catch (ObjectDisposedException)
        {
            // The watch ended while this one was given up.
        }
    }

    /// <summary>Looks at what has ended, in order.</summary>
    private void Collect()
    {
        while (_pending.TryPeek(out PendingSnapshot? pending) && pending.Completion.IsCompleted)
        {
            _pending.Dequeue();
            if (pending.Completion.IsCompletedSuccessfully)
                Stored(pending.Completion.Result);
            else
                NotStored(pending);
        }
    }

    private void Stored(SnapshotInfo snapshot)
    {
        _snapshots++;
        _last = snapshot;
        _bytes += snapshot.Statistics.BytesStored;
        _keeper?.Note();
        _pauses.Add(SnapshotFacts.Of(snapshot).PauseMicroseconds);
        (_failingSince, _reason, _roomAtFailure) = (null, null, null);
        _options.OnSnapshot(snapshot);
    }

    private void NotStored(PendingSnapshot pending)
    {
        _missedSinceLast += pending.MissedBefore;
        Miss(1);
        Failed(pending.Completion.Exception!.InnerException as SnapException ?? throw pending.Completion.Exception);
    }

    private void Failed(SnapException reason)
    {
        // That a later one could not be stored either says nothing new.
        if (reason.Kind == ErrorCatalogue.EarlierIntervalFailed)
            return;
        _failingSince ??= DateTimeOffset.UtcNow;
        _reason = reason;
        _retryAt = _clock.Elapsed + _options.RetryPeriod;
        _roomAtFailure = reason.Kind == ErrorCatalogue.StoreFull ? FreeRoom() : null;
        // At once, not at the next full second: the user should read what happened when it happens, also if it has passed by then.
        TellStatus();
    }

    private void Miss(long ticks)
    {
        _missed += ticks;
        _missedSinceLast += ticks;
    }

    private long FreeRoom() => new DriveInfo(_engine.StoreDirectory).AvailableFreeSpace;

    private void TellStatus()
    {
        WatchStatus status = Status();
        _options.OnStatus(status);
        _gapHook?.Look(status, DateTimeOffset.UtcNow);
        _pauses.Clear();
        _statusAt = _clock.Elapsed + _statusPeriod;
    }

    private WatchStatus Status() => new()
    {
        Pid = _pid,
        Name = _name,
        Elapsed = _clock.Elapsed,
        Snapshots = _snapshots,
        Missed = _missed,
        BytesStored = _bytes,
        PausesMicroseconds = [.. _pauses],
        Last = _last,
        NotCapturedSince = _failingSince,
        Reason = _reason,
        WaitsForRoom = _roomAtFailure is not null,
    };

    private void WaitForNext()
    {
        TimeSpan now = _clock.Elapsed;
        TimeSpan next = TickTime(_tick) < _statusAt ? TickTime(_tick) : _statusAt;
        if (_options.For is { } limit && limit < next)
            next = limit;
        if (next > now)
            _wake.WaitOne(TimeSpan.FromMilliseconds(Math.Ceiling((next - now).TotalMilliseconds)));
    }

    /// <summary>What is under way is waited for: it may still be stored, and what it says is part of the result.</summary>
    private WatchResult Finish(WatchEnd end)
    {
        Drain();
        _lease?.Dispose();
        EndKeeper();
        WatchStatus status = Status();
        _options.OnStatus(status);
        return new WatchResult(end, status, end == WatchEnd.TargetEnded ? _target?.ReadExit() : null);
    }

    private void Drain()
    {
        while (_pending.Count > 0)
        {
            Task.WhenAny(_pending.Peek().Completion).Wait();
            Collect();
        }
    }
}

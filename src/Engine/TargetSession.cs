// Invariants.
// Must: intervals end in the order they were asked for, each once: stored and told as durable, or told as not stored, or not taken.
// Must: when interval N could not be stored, every interval whose Take was sent before the tracer was told is not stored either: it holds only what
// changed since N. Sending a Take, and telling of a failure with marking what it dooms, exclude each other (_gate).
// Must: the parent of a snapshot is the last one this session committed (or was given at the start), never one that may not exist.
using System.Diagnostics.CodeAnalysis;
using Snap.Dumper;
using Snap.Dumper.Host;
using Snap.Image;
using Snap.Kernel.Processes;
using Snap.Store;

namespace Snap.Engine;

/// <summary>One tree that is being tracked: its tracer process, the checkpoints under way, and the thread that stores them.</summary>
public sealed partial class TargetSession : IDisposable
{
    private const int _turnPatienceMs = 10_000;
    private static readonly TimeSpan _stopPatience = TimeSpan.FromSeconds(5);

    private readonly SnapEngine _engine;
    private readonly ProcessHandle? _process;
    private readonly Lock _attaching = new();
    private readonly Lock _gate = new();
    private readonly Queue<PendingSnapshot> _pending = [];
    private Tracer? _tracer;
    private ulong _lastInterval;
    private SnapshotInfo? _parent;
    private bool _targetGone;
    private bool _isDisposed;
    private volatile bool _parentMayBeGone;

    internal TargetSession(SnapEngine engine, TargetIdentity target, ChainChoice chain)
    {
        (_engine, Target, Name, _parent) = (engine, target, chain.Name, chain.Parent);
        _process = ProcessHandle.OpenOrGone(target.Pid);
    }

    /// <summary>The chain its snapshots go to.</summary>
    public string Name { get; }

    /// <summary>Root of the tree.</summary>
    public int Pid => Target.Pid;

    /// <summary>When it began.</summary>
    public DateTimeOffset Since { get; } = DateTimeOffset.UtcNow;

    /// <summary>The process, for ever.</summary>
    internal TargetIdentity Target { get; }

    /// <summary>Those who use it; guarded by the engine.</summary>
    internal int Users { get; set; }

    /// <summary>Since when nobody uses it, in ticks of <see cref="Environment.TickCount64"/>; guarded by the engine.</summary>
    internal long IdleSince { get; set; }

    /// <summary>Which tracker finds the dirty pages.</summary>
    public TrackerKind Tracker
    {
        get
        {
            lock (_gate)
                return _tracer?.Process.Tracker ?? TrackerKind.Compare;
        }
    }

    /// <summary>The target has ended.</summary>
    public bool TargetGone => _targetGone || _process is null || _process.HasExited;

    /// <summary>The newest snapshot of this process, taken in this session or before it.</summary>
    public SnapshotInfo? Last
    {
        get
        {
            lock (_gate)
                return _parent;
        }
    }

    /// <summary>Pid of the tracer process, for messages and tests; 0 if none is running.</summary>
    public int TracerPid
    {
        get
        {
            lock (_gate)
                return _tracer is { HasEnded: false } tracer ? tracer.Process.Pid : 0;
        }
    }

    /// <summary>Takes one checkpoint now.</summary>
    /// <param name="missedBefore">Ticks of a watch that were skipped or failed since the last one.</param>
    /// <returns>The snapshot; it is durable.</returns>
    /// <exception cref="SnapException">It could not be taken or stored; the target is as it was.</exception>
    public SnapshotInfo Take(long missedBefore = 0) => TryBegin(out PendingSnapshot? pending, missedBefore) ? pending.Wait() : throw TooMany();

    /// <summary>Takes one checkpoint as soon as fewer are under way than may be.</summary>
    /// <exception cref="SnapException">It could not be taken or stored; the target is as it was. S0706: it was not its turn for ten seconds.</exception>
    public SnapshotInfo TakeInTurn(Durability? durability, TimeSpan? pauseGoal = null, IReadOnlyList<string>? exclude = null)
    {
        for (long end = Environment.TickCount64 + _turnPatienceMs; ;)
        {
            if (TryBegin(out PendingSnapshot? pending, durability: durability, pauseGoal: pauseGoal, exclude: exclude))
                return pending.Wait();
            if (Environment.TickCount64 >= end)
                throw TooMany();
            Thread.Sleep(1);
        }
    }

    /// <summary>Begins a checkpoint, unless as many are under way as may be.</summary>
    /// <param name="pending">The checkpoint.</param>
    /// <param name="missedBefore">Ticks of a watch that were skipped or failed since the last one.</param>
    /// <param name="durability">Whether its commit waits for the disk; null: as the store was opened.</param>
    /// <param name="pauseGoal">How long the target should stand still at most; null: as short as it gets.</param>
    /// <param name="exclude">As <see cref="TakeOptions.Exclude"/>.</param>
    /// <exception cref="SnapException">The tracer had ended, and a new one could not attach.</exception>
    public bool TryBegin([NotNullWhen(true)] out PendingSnapshot? pending, long missedBefore = 0, Durability? durability = null, TimeSpan? pauseGoal = null,
        IReadOnlyList<string>? exclude = null)
    {
        pending = null;
        Attach();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_pending.Count >= _engine.Options.MaxPending)
                return false;
            pending = new PendingSnapshot(++_lastInterval, SnapshotId.NewRandom(), missedBefore, durability);
            _pending.Enqueue(pending);
            // If the tracer has just died the thread that listens to it fails what is pending.
            if (_tracer is not { HasEnded: false } tracer || !tracer.Process.TryTake(new CheckpointRequest { Interval = pending.Interval, PauseGoal = pauseGoal, Exclude = exclude ?? [] }, pending.Snapshot))
                FailAllPending(TracerLost(null));
            return true;
        }
    }

    /// <summary>Breaks off without a word to the tracer, as the end of this process would; to be disposed of then.</summary>
    internal void Leave()
    {
        lock (_gate)
            _tracer?.Process.Leave();
    }

    /// <summary>Lets the target go. Checkpoints under way end first.</summary>
    public void Dispose()
    {
        Tracer? tracer;
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            tracer = _tracer;
        }

        if (_engine.LeavesTracers)
            tracer?.Process.Leave();
        tracer?.End();
        lock (_gate)
            FailAllPending(new SnapException(ErrorCatalogue.SessionEnded, $"the checkpoint of {Name} was given up", $"pid {Pid}"));
        _engine.Forget(this);
        _process?.Dispose();
    }

    /// <summary>Starts a tracer, unless one is running.</summary>
    internal void Attach()
    {
        lock (_attaching)
        {
            Tracer? dead = null;
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_isDisposed, this);
                if (_tracer is { HasEnded: false } && !IsParentGone())
                    return;
                (dead, _tracer) = (_tracer, null);
            }

            dead?.End();
            lock (_gate)
            {
                if (IsParentGone())
                    _parent = _engine.NewestOf(Target);
                _parentMayBeGone = false;
            }

            AttachAnew();
        }
    }

    /// <summary>Snapshots were deleted: before the next checkpoint is looked whether that which it would build on is still there. If not, a new tracer begins with another.</summary>
    internal void SuspectParent() => _parentMayBeGone = true;

    private bool IsParentGone()
    {
        if (!_parentMayBeGone)
            return false;
        if (_parent is { } parent && _engine.Reader.Snapshots.All(snapshot => snapshot.Id != parent.Id))
            return true;
        _parentMayBeGone = false;
        return false;
    }

    private void AttachAnew()
    {
        if (TargetGone || !Target.IsAlive)
        {
            _targetGone = true;
            throw new SnapException(ErrorCatalogue.TargetEnded, $"process {Pid} has ended", $"pid {Pid}", toDo: "snap log shows the snapshots that there are of it");
        }

        if (TryAdoptOne())
            return;
        SnapshotInfo? parent = Last;
        IReadOnlyList<SpaceImage> known = parent is null ? [] : SpacesOf(parent);
        TracerProcess process = _engine.StartTracer(new AttachRequest { Pid = Pid, KnownSpaces = known, Parent = LastId, Tracker = _engine.Options.ForcedTracker });
        if (_engine.Options.TracerPatience > TimeSpan.Zero && !process.WaitsForNext)
            _engine.Tell($"pid {Pid}: its tracer can't wait for another engine if this one dies: none of {string.Join(", ", _engine.Orphans.Directories)} takes a socket");
        lock (_gate)
            _tracer = new Tracer(this, process, known);
    }

    private IReadOnlyList<SpaceImage> SpacesOf(SnapshotInfo snapshot)
    {
        using SnapshotContent content = _engine.Reader.OpenSnapshot(snapshot.Id);
        return ImageCodec.Decode(content.ReadImage()).Spaces;
    }

    private SnapException TooMany() => new(ErrorCatalogue.TooManyIntervals, $"cannot take a checkpoint of {Name} now", $"pid {Pid}",
        $"{_engine.Options.MaxPending} checkpoints are under way", "wait for them");

    private SnapException TracerLost(SnapException? bug) => new(ErrorCatalogue.TracerLost, $"the tracer process of {Name} ended unexpectedly", $"pid {Pid}",
        bug is null ? "it was killed, or crashed" : $"{bug.What}: {bug.Why}", "the target is unharmed; the next checkpoint starts a new tracer, and is a full one", bug);

    /// <summary>Under the gate.</summary>
    private void FailAllPending(SnapException reason)
    {
        while (_pending.TryDequeue(out PendingSnapshot? pending))
            pending.Fail(reason);
    }
}

// Invariants.
// Must: a tracer of an engine before us goes on only if the newest snapshot of its target is one that it knows: the one it counts from, or one of those it has
// not been told about. Then what it owes is exactly what changed since.
using Snap.Dumper.Host;
using Snap.Image;

namespace Snap.Engine;

/// <content>Going on with a tracer that an engine before us left behind.</content>
public sealed partial class TargetSession
{
    /// <summary>Goes on with such a tracer, if there is one, and it fits; others are told to let the target go.</summary>
    internal bool TryAdopt()
    {
        lock (_attaching)
        {
            lock (_gate)
            {
                if (_isDisposed || _tracer is { HasEnded: false })
                    return false;
            }

            return TryAdoptOne();
        }
    }

    private bool TryAdoptOne()
    {
        bool isAdopted = false;
        foreach (OrphanTracer orphan in _engine.Orphans.Of(Target.Pid, Target.StartTime))
        {
            using (orphan)
            {
                string? reason = isAdopted ? "another one goes on" : WhyNot(orphan);
                if (reason is null && TryAdopt(orphan, orphan.State!))
                {
                    isAdopted = true;
                    continue;
                }

                _engine.Tell($"pid {Pid}: the tracer {orphan.Pid} of an engine before lets it go, and the next snapshot takes all pages: {reason ?? "it has just ended"}");
                orphan.LetGo();
            }
        }

        return isAdopted;
    }

    private string? WhyNot(OrphanTracer orphan)
    {
        if (orphan.State is not { } state)
            return orphan.WhyNot;
        if (state.Pid != Pid || state.StartTime != Target.StartTime)
            return "it traces another process";
        return state.Head == LastId || state.Unsettled.Any(interval => interval.Snapshot == LastId) ? null
            : $"it counts from snapshot {Name(state.Head)}, and the newest is {Name(LastId)}";

        static string Name(SnapshotId id) => id == SnapshotId.None ? "none" : id.Short;
    }

    private SnapshotId LastId => Last?.Id ?? SnapshotId.None;

    private bool TryAdopt(OrphanTracer orphan, OrphanState state)
    {
        IReadOnlyList<SpaceImage> known = Last is { } parent ? SpacesOf(parent) : [];
        if (orphan.TryAdopt(_engine.Options.Tracer.Layout) is not { } process)
            return false;
        // What the engine before committed and didn't say, and what it didn't commit: the store knows.
        ulong settled = state.Unsettled.LastOrDefault(interval => interval.Snapshot == LastId)?.Interval ?? 0;
        if (settled > 0)
            process.TryCommitted(settled);
        if (state.Unsettled.FirstOrDefault(interval => interval.Interval > settled) is { } lost)
            process.TryNotStored(lost.Interval);
        lock (_gate)
        {
            _lastInterval = Math.Max(_lastInterval, state.LastInterval);
            _tracer = new Tracer(this, process, known);
        }

        _engine.Tell($"pid {Pid}: its tracer {process.Pid} goes on from snapshot {(LastId == SnapshotId.None ? "none" : LastId.Short)}");
        return true;
    }
}

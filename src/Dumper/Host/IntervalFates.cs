using Snap.Image;

namespace Snap.Dumper.Host;

/// <summary>What a tracer knows of the fate of its intervals: the last durable one, and those that it was told nothing of yet.</summary>
/// <param name="parent">The snapshot that the tracer begins from.</param>
internal sealed class IntervalFates(SnapshotId parent)
{
    private readonly List<UnsettledInterval> _unsettled = [];
    private SnapshotId _head = parent;
    private ulong _lastInterval;

    /// <summary>An interval was asked for.</summary>
    public void Asked(ulong interval) => _lastInterval = Math.Max(_lastInterval, interval);

    /// <summary>It was taken: from now on its pages count as given, unless it is said that it wasn't stored.</summary>
    public void Taken(ulong interval, SnapshotId snapshot) => _unsettled.Add(new UnsettledInterval(interval, snapshot));

    /// <summary>The interval, and all before it, are durable.</summary>
    public void Committed(ulong interval)
    {
        if (_unsettled.FindLast(known => known.Interval <= interval) is { } last)
            _head = last.Snapshot;
        _unsettled.RemoveAll(known => known.Interval <= interval);
    }

    /// <summary>The interval, and all after it, were not stored.</summary>
    public void NotStored(ulong interval) => _unsettled.RemoveAll(known => known.Interval >= interval);

    /// <summary>For the next engine.</summary>
    public OrphanState Describe(int pid, ulong startTime) => new(pid, startTime, _head, [.. _unsettled], _lastInterval);
}

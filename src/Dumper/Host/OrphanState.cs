using Snap.Image;

namespace Snap.Dumper.Host;

/// <summary>What a tracer whose engine is gone says to the next one.</summary>
/// <param name="Pid">Root of the tree.</param>
/// <param name="StartTime">Its start time in clock ticks since boot.</param>
/// <param name="Head">The last snapshot that is durable as far as the tracer was told, or the one it began from; none if there is neither.</param>
/// <param name="Unsettled">Intervals it took, of which it wasn't told whether they are durable; in their order.</param>
/// <param name="LastInterval">The highest number that an interval had.</param>
public sealed record OrphanState(int Pid, ulong StartTime, SnapshotId Head, IReadOnlyList<UnsettledInterval> Unsettled, ulong LastInterval);

/// <summary>An interval that may or may not be stored.</summary>
/// <param name="Interval">Its number.</param>
/// <param name="Snapshot">Its name in the store, if it is there.</param>
public sealed record UnsettledInterval(ulong Interval, SnapshotId Snapshot);

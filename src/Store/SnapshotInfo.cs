using Snap.Image;

namespace Snap.Store;

/// <summary>A committed snapshot, as lists show it.</summary>
/// <param name="Id">Its name for ever.</param>
/// <param name="Sequence">Orders the snapshots of one name; never reused, so failed commits leave gaps.</param>
/// <param name="Name">The chain it belongs to.</param>
/// <param name="Parent">The snapshot that it is an increment of; <see cref="SnapshotId.None"/> if it is full.</param>
/// <param name="Time">Wall time of the moment.</param>
/// <param name="Statistics">What became of the pages given.</param>
/// <param name="Facts">The caller's own facts.</param>
public sealed record SnapshotInfo(
    SnapshotId Id, ulong Sequence, string Name, SnapshotId Parent, DateTimeOffset Time, SnapshotStatistics Statistics, ReadOnlyMemory<byte> Facts)
{
    /// <summary>True if it was given whole, not as changes to a parent.</summary>
    public bool IsFull => Parent == SnapshotId.None;

    /// <summary>As people name it: <c>web #12 (3f9a01bc)</c>.</summary>
    public override string ToString() => $"{Name} #{Sequence} ({Id.Short})";
}

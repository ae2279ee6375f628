namespace Snap.Store;

/// <summary>What the caller says of a snapshot when it commits; the store adds id and sequence.</summary>
/// <param name="Name">The name that the snapshot was begun under.</param>
/// <param name="Time">Wall time of the moment; a label, it may jump.</param>
public sealed record SnapshotHeader(string Name, DateTimeOffset Time)
{
    /// <summary>Small facts that the store keeps for the caller, opaque to it (at most 1 MiB; a few hundred bytes are usual).</summary>
    public ReadOnlyMemory<byte> Facts { get; init; }

    /// <summary>An id to keep, when a snapshot is copied from another store; otherwise a new random one.</summary>
    public Image.SnapshotId? Id { get; init; }
}

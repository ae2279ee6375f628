using Snap.Image;

namespace Snap.Dumper.Host;

/// <summary>What a tracer process is to attach to, and how.</summary>
public sealed record AttachRequest
{
    /// <summary>Root of the tree.</summary>
    public required int Pid { get; init; }

    /// <summary>Spaces of the snapshot that will be the parent, so that their ids stay the same along the chain; empty without one.</summary>
    public IReadOnlyList<SpaceImage> KnownSpaces { get; init; } = [];

    /// <summary>The snapshot that will be the parent; none without one.</summary>
    public SnapshotId Parent { get; init; }

    /// <summary>The tracker to use; null for the first of the ladder that works.</summary>
    public TrackerKind? Tracker { get; init; }
}

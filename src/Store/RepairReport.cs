namespace Snap.Store;

/// <summary>What a repair found, put back and gave up.</summary>
public sealed record RepairReport
{
    /// <summary>The damage, as <see cref="StoreReader.Verify"/> reports it; null if the catalog itself could not be read.</summary>
    public VerifyReport? Before { get; init; }

    /// <summary>What is left to report; whole, if the repair succeeded. Null for a dry run.</summary>
    public VerifyReport? After { get; init; }

    /// <summary>Snapshots that could not be saved: deleted, or to be deleted.</summary>
    public IReadOnlyList<SnapshotInfo> Dropped { get; init; } = [];

    /// <summary>Tags of those.</summary>
    public IReadOnlyList<string> TagsLost { get; init; } = [];

    /// <summary>Snapshots that were hurt and are whole again.</summary>
    public IReadOnlyList<SnapshotInfo> Healed { get; init; } = [];

    /// <summary>Lost pages whose content was stored again elsewhere, and which were put back from there.</summary>
    public long PagesHealed { get; init; }

    /// <summary>Damaged segments that were written anew without what can't be read.</summary>
    public int SegmentsRewritten { get; init; }

    /// <summary>What else was done, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

namespace Snap.Store;

/// <summary>What a verification found.</summary>
public sealed record VerifyReport
{
    /// <summary>Damage, each with what it hurts; empty if the store is whole.</summary>
    public required IReadOnlyList<VerifyFinding> Findings { get; init; }

    /// <summary>Snapshots looked at.</summary>
    public int Snapshots { get; init; }

    /// <summary>Segment files looked at.</summary>
    public int Segments { get; init; }

    /// <summary>Records whose checksums were tested.</summary>
    public long Records { get; init; }

    /// <summary>Bytes read.</summary>
    public long Bytes { get; init; }

    /// <summary>Snapshots that can't be restored whole.</summary>
    public IReadOnlyList<SnapshotInfo> Damaged { get; init; } = [];

    /// <summary>True if nothing was found.</summary>
    public bool IsWhole => Findings.Count == 0;
}

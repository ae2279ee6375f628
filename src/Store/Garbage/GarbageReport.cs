namespace Snap.Store;

/// <summary>What a collection did, or would do.</summary>
public sealed record GarbageReport
{
    /// <summary>Every snapshot of the store, with its fate and the reason.</summary>
    public required IReadOnlyList<RetentionDecision> Decisions { get; init; }

    /// <summary>Bytes of segments before.</summary>
    public long BytesBefore { get; init; }

    /// <summary>Bytes of segments after.</summary>
    public long BytesAfter { get; init; }

    /// <summary>Bytes that were written again, to free what lay around them.</summary>
    public long BytesRewritten { get; init; }

    /// <summary>Segments removed whole.</summary>
    public int SegmentsRemoved { get; init; }

    /// <summary>Segments rewritten.</summary>
    public int SegmentsRewritten { get; init; }

    /// <summary>Files that wait for a reader to end, which may still need them.</summary>
    public int FilesLeased { get; init; }

    /// <summary>Segments that could not be rewritten, and why: damage, or no room.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];
}

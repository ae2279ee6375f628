namespace Snap.Store;

/// <summary>How a store is opened for writing.</summary>
public sealed record StoreOptions
{
    /// <summary>A segment that reached this many bytes is closed, and the next begun. Small ones die sooner and wholly.</summary>
    public long SegmentBytes { get; init; } = 64 << 20;

    /// <summary>zstd level of pages.</summary>
    public int CompressionLevel { get; init; } = 1;

    /// <summary>Bytes of decoded blocks kept for readers and comparisons.</summary>
    public long CacheBytes { get; init; } = 32 << 20;

    /// <summary>Bytes of last versions of changing pages that a writer keeps, so that comparing with them needs no decoding.</summary>
    public long HotPageBytes { get; init; } = 48 << 20;

    /// <summary>A delta larger than this, a page, looks for a nearer base than the one its siblings share; 0: always the previous version.</summary>
    internal int DeltaSiblingBytes { get; init; } = 400;

    /// <summary>A delta of deltas as large as this, a page, is followed by a version without base; what it costs to read is told in docs/design.md.</summary>
    internal int WornDeltaBytes { get; init; } = 400;

    /// <summary>Most blocks below a delta.</summary>
    internal int MaxDeltaDepth { get; init; } = 6;

    /// <summary>Whether a commit waits for the disk.</summary>
    public Durability Durability { get; init; }

    /// <summary>With relaxed durability: time after which a commit is synced with those before it.</summary>
    internal TimeSpan RelaxedPeriod { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Bytes of memory that the index may use.</summary>
    public long IndexBytes { get; init; } = 96 << 20;

    /// <summary>Stores with more pages than this have their index on disk (FasterKV); smaller ones read theirs into memory.</summary>
    internal int MemoryIndexPages { get; init; } = 100_000;

    /// <summary>Another index, for tests: one that forgets or lies must cost space only.</summary>
    internal Func<Index.IChunkIndex>? MakeIndex { get; init; }

    /// <summary>Room that only collections use, when the disk is full.</summary>
    internal long ReserveBytes { get; init; } = 1 << 20;

    /// <summary>Called with what takes long: building the index.</summary>
    public Action<string>? Progress { get; init; }

    /// <summary>How this process is named to others that find the store busy; by default its command line.</summary>
    public string? HolderName { get; init; }
}

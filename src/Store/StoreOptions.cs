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

    /// <summary>Bytes of memory that the index may use.</summary>
    public long IndexBytes { get; init; } = 96 << 20;

    /// <summary>How this process is named to others that find the store busy; by default its command line.</summary>
    public string? HolderName { get; init; }
}

namespace Snap.Store;

/// <summary>Where a store's bytes are, in total and by name.</summary>
public sealed record StoreStatistics
{
    /// <summary>Sums for each name, ascending.</summary>
    public required IReadOnlyList<NameStatistics> Names { get; init; }

    /// <summary>Snapshots that can be found.</summary>
    public int Snapshots { get; init; }

    /// <summary>Bytes of all snapshots as if each were stored alone: their data and zero pages.</summary>
    public long LogicalBytes { get; init; }

    /// <summary>Of them, bytes of zero pages.</summary>
    public long ZeroBytes { get; init; }

    /// <summary>Bytes of the different pages that they share, decoded.</summary>
    public long UniqueBytes { get; init; }

    /// <summary>Bytes of segment files.</summary>
    public long StoredBytes { get; init; }

    /// <summary>Of the stored bytes, those that a snapshot needs.</summary>
    public long LiveBytes { get; init; }

    /// <summary>Segment files.</summary>
    public int Segments { get; init; }

    /// <summary>Live blocks encoded as differences: pages, and bytes stored.</summary>
    public EncodingStatistics Delta { get; init; }

    /// <summary>Live blocks compressed alone.</summary>
    public EncodingStatistics Zstd { get; init; }

    /// <summary>Live blocks that didn't compress.</summary>
    public EncodingStatistics Raw { get; init; }

    /// <summary>Bytes of live manifests.</summary>
    public long ManifestBytes { get; init; }

    /// <summary>Bytes of live images, the kernel state.</summary>
    public long ImageBytes { get; init; }

    /// <summary>Bytes of slot tables, hashes and commit records, and of what is dead.</summary>
    public long OtherBytes => StoredBytes - Delta.Bytes - Zstd.Bytes - Raw.Bytes - ManifestBytes - ImageBytes;

    /// <summary>Most bytes that have to be decoded to read one live page.</summary>
    public int MaxDecodedBytes { get; init; }

    /// <summary>Bytes of the catalog.</summary>
    public long CatalogBytes { get; init; }
}

using Snap.Store;

namespace Snap.Cli.Output;

/// <summary>What stats prints.</summary>
internal sealed record StatsJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>Snapshots.</summary>
    public required int Snapshots { get; init; }
    /// <summary>Bytes of all snapshots as if each were stored alone.</summary>
    public required long LogicalBytes { get; init; }
    /// <summary>Of them, zero pages.</summary>
    public required long ZeroBytes { get; init; }
    /// <summary>Bytes of the different pages, decoded.</summary>
    public required long UniqueBytes { get; init; }
    /// <summary>Bytes of segment files.</summary>
    public required long StoredBytes { get; init; }
    /// <summary>Of them, what a snapshot needs.</summary>
    public required long LiveBytes { get; init; }
    /// <summary>Segment files.</summary>
    public required int Segments { get; init; }
    /// <summary>Pages stored as differences.</summary>
    public required EncodingJson Delta { get; init; }
    /// <summary>Pages compressed alone.</summary>
    public required EncodingJson Zstd { get; init; }
    /// <summary>Pages stored as they are.</summary>
    public required EncodingJson Raw { get; init; }
    /// <summary>Live manifests.</summary>
    public required long ManifestBytes { get; init; }
    /// <summary>Live kernel state.</summary>
    public required long ImageBytes { get; init; }
    /// <summary>Tables, hashes, commit records, and what is dead.</summary>
    public required long OtherBytes { get; init; }
    /// <summary>The catalog.</summary>
    public required long CatalogBytes { get; init; }
    /// <summary>Most bytes decoded to read one page.</summary>
    public required int MaxDecodedBytes { get; init; }
    /// <summary>By name.</summary>
    public required IReadOnlyList<NameStatistics> Names { get; init; }

    /// <summary>Of the store's statistics.</summary>
    public static StatsJson Of(StoreStatistics statistics) => new()
    {
        Snapshots = statistics.Snapshots,
        LogicalBytes = statistics.LogicalBytes,
        ZeroBytes = statistics.ZeroBytes,
        UniqueBytes = statistics.UniqueBytes,
        StoredBytes = statistics.StoredBytes,
        LiveBytes = statistics.LiveBytes,
        Segments = statistics.Segments,
        Delta = EncodingJson.Of(statistics.Delta),
        Zstd = EncodingJson.Of(statistics.Zstd),
        Raw = EncodingJson.Of(statistics.Raw),
        ManifestBytes = statistics.ManifestBytes,
        ImageBytes = statistics.ImageBytes,
        OtherBytes = statistics.OtherBytes,
        CatalogBytes = statistics.CatalogBytes,
        MaxDecodedBytes = statistics.MaxDecodedBytes,
        Names = statistics.Names,
    };
}

/// <summary>Pages of one encoding.</summary>
internal sealed record EncodingJson
{
    /// <summary>Pages.</summary>
    public required long Pages { get; init; }
    /// <summary>Bytes they take.</summary>
    public required long Bytes { get; init; }

    /// <summary>Of the store's count.</summary>
    public static EncodingJson Of(EncodingStatistics encoding) => new() { Pages = encoding.Pages, Bytes = encoding.Bytes };
}

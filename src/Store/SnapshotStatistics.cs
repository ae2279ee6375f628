namespace Snap.Store;

/// <summary>What became of the pages that were given to a snapshot.</summary>
public sealed record SnapshotStatistics
{
    /// <summary>Pages given by Put and Zero, each time they were given.</summary>
    public long PagesGiven { get; init; }

    /// <summary>Of them all zeros; they take no room.</summary>
    public long PagesZero { get; init; }

    /// <summary>Equal to the parent's version, byte by byte.</summary>
    public long PagesUnchanged { get; init; }

    /// <summary>Equal, byte by byte, to a page stored elsewhere.</summary>
    public long PagesDeduplicated { get; init; }

    /// <summary>Written to the store.</summary>
    public long PagesStored { get; init; }

    /// <summary>Of those stored: as a difference to the page's previous version.</summary>
    public long PagesDelta { get; init; }

    /// <summary>Bytes that the snapshot added to the store: pages, tables, manifest and image.</summary>
    public long BytesStored { get; init; }
}

using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Disk;
using Snap.Store.Format;

namespace Snap.Store;

/// <summary>A store, open for reading: needs no index and no engine, and works beside a writer.</summary>
/// <remarks>It shows one moment of the store until <see cref="Refresh"/>; its lease keeps what that moment needs, whatever gc does meanwhile.</remarks>
public sealed class StoreReader : IDisposable
{
    /// <summary>Whole snapshots are read in the order of addresses, where a base lies near what needs it.</summary>
    private const long CacheBytes = 16 << 20;
    private readonly IDisk _disk;
    private readonly StoreConfig _config;
    private readonly BlockCache _cache;
    private readonly Lock _gate = new();
    private StoreVersion _version;

    internal StoreReader(IDisk disk, StoreConfig config, long cacheBytes)
    {
        (_disk, _config) = (disk, config);
        _cache = new BlockCache(cacheBytes);
        _version = StoreVersion.Load(disk, config, _cache);
    }

    /// <summary>Every snapshot, in the order of their commits.</summary>
    public IReadOnlyList<SnapshotInfo> Snapshots => Version.State.Listed();

    /// <summary>Tags, by name.</summary>
    public IReadOnlyList<TagInfo> Tags
    {
        get
        {
            Catalog.CatalogState state = Version.State;
            lock (state.Gate)
                return [.. state.Tags.Select(tag => new TagInfo(tag.Key, tag.Value))];
        }
    }

    internal StoreVersion Version
    {
        get
        {
            lock (_gate)
                return _version;
        }
    }

    /// <summary>Opens the store in a directory.</summary>
    /// <exception cref="SnapException">There is no store, it is damaged, newer, or another user's while we are root.</exception>
    public static StoreReader Open(string directory)
    {
        IDisk disk = StoreDirectory.OpenExisting(directory);
        return Open(disk);
    }

    internal static StoreReader Open(IDisk disk, long cacheBytes = CacheBytes) =>
        new(disk, StoreDirectory.ReadConfig(disk, forWriting: false), cacheBytes);

    /// <summary>Finds the snapshot that a reference means: an id's prefix, <c>NAME</c> (its newest), <c>NAME~3</c> (third parent),
    /// <c>NAME@10s</c> (ago), <c>NAME@2026-11-22T21:00:05Z</c> (newest at or before; without zone: local), a tag, or <c>latest</c>.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="now">What "ago" counts from.</param>
    /// <exception cref="SnapException">Nothing fits, several do, or the grammar is broken.</exception>
    public SnapshotInfo Resolve(string reference, DateTimeOffset now) => new ReferenceResolver(Snapshots, Tags).Resolve(reference, now);

    /// <summary>Opens a snapshot's content.</summary>
    /// <exception cref="SnapException">There is no such snapshot, or its manifest is damaged.</exception>
    public SnapshotContent OpenSnapshot(SnapshotId id)
    {
        StoreVersion version;
        lock (_gate)
            version = _version.Share();
        try
        {
            SnapshotEntry? entry = version.State.Find(id);
            if (entry is null || entry.IsDropped)
                throw StoreErrors.NoSnapshot(id.ToString(), "no snapshot has this id");
            return new SnapshotContent(version, entry);
        }
        catch
        {
            version.Release();
            throw;
        }
    }

    /// <summary>Looks for damage in everything that this moment of the store refers to.</summary>
    /// <param name="readData">True: every byte is read, and every block decoded. False: the structure alone.</param>
    /// <param name="progress">Called now and then with what is being looked at.</param>
    /// <exception cref="SnapException">The disk failed; damage is reported, not thrown.</exception>
    public VerifyReport Verify(bool readData, Action<string>? progress = null)
    {
        StoreVersion version;
        lock (_gate)
            version = _version.Share();
        try
        {
            return new Check.Verifier(_disk, version.State, version.Slots, readData, progress).Run();
        }
        finally
        {
            version.Release();
        }
    }

    /// <summary>Counts where the store's bytes are.</summary>
    public StoreStatistics ReadStatistics()
    {
        StoreVersion version;
        lock (_gate)
            version = _version.Share();
        try
        {
            return new Check.StatisticsCollector(version.State, version.Slots).Collect();
        }
        finally
        {
            version.Release();
        }
    }

    /// <summary>Moves on to the store's present moment. Snapshots that are open stay readable.</summary>
    public void Refresh()
    {
        StoreVersion next = StoreVersion.Load(_disk, _config, _cache);
        StoreVersion previous;
        lock (_gate)
            (previous, _version) = (_version, next);
        previous.Release();
    }

    /// <summary>Ends the reader; snapshots opened from it keep what they need until they are disposed.</summary>
    public void Dispose() => Version.Release();
}

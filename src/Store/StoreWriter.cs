// Invariants.
// Must: a commit is acknowledged after its records are durable, and its segment's name is.
// Must: the catalog gets a snapshot after that. If the catalog can't be written the commit stands all the same: readers are told to look for
// it in the segments (the lock's byte 1 is released), and the next change writes a new catalog.
// Must: index and caches get addresses of durable commits only.
using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Catalog;
using Snap.Store.Disk;
using Snap.Store.Format;
using Snap.Store.Pages;
using Snap.Store.Segments;

namespace Snap.Store;

/// <summary>A store, open for writing; one at a time in all processes. Builders of different names may work at once, each on its own thread.</summary>
public sealed partial class StoreWriter : IDisposable
{
    private readonly IDisk _disk;
    private readonly StoreConfig _config;
    private readonly StoreOptions _options;
    private readonly WriterLock _lock;
    private readonly CatalogState _state = new();
    private readonly CatalogLog _catalog;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, SegmentWriter> _open = [];
    private readonly Dictionary<string, SnapshotBuilder> _builders = [];
    private readonly Dictionary<SnapshotId, SortedDictionary<SpaceId, PageMap>> _maps = [];
    private StoreReader? _reader;
    private ulong _readerChanges;
    private bool _isDisposed;

    private StoreWriter(IDisk disk, StoreOptions options)
    {
        (_disk, _options) = (disk, options);
        HotPages = new HotPages(options.HotPageBytes);
        DeltaRules = new DeltaRules(options.CompressionLevel, options.DeltaSiblingBytes, options.MaxDeltaDepth, options.WornDeltaBytes);
        _config = StoreDirectory.ReadConfig(disk, forWriting: true);
        _lock = WriterLock.Take(disk, options.HolderName);
        try
        {
            _catalog = CatalogLog.Load(disk, _config.StoreId, _state, forWriting: true);
            Slots = new SlotStore(new SegmentSet(disk, _state), new BlockCache(options.CacheBytes));
            Recover();
            _lock.SetCatalogComplete(!_catalog.IsBroken);
        }
        catch
        {
            _catalog?.Dispose();
            _lock.Dispose();
            throw;
        }
    }

    /// <summary>A reader that sees everything committed so far.</summary>
    public StoreReader Reader
    {
        get
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_isDisposed, this);
                ulong changes = _state.Changes;
                if (_reader is null)
                    _reader = new StoreReader(_disk, _config, _options.CacheBytes);
                else if (_readerChanges != changes)
                    _reader.Refresh();
                _readerChanges = changes;
                return _reader;
            }
        }
    }

    internal SlotStore Slots { get; }

    internal HotPages HotPages { get; }

    internal DeltaRules DeltaRules { get; }

    internal GroupEncoder Encoder { get; } = new();

    internal StoreOptions Options => _options;

    internal ulong HashSeed => _config.HashSeed;

    internal CatalogState State => _state;

    /// <summary>Opens the store in a directory; makes one if the directory is missing or empty.</summary>
    /// <exception cref="SnapException">Another process writes it (named), or it isn't a store, is damaged, or can't be made.</exception>
    public static StoreWriter Open(string directory, StoreOptions? options = null) =>
        Open(StoreDirectory.OpenForWriting(directory), options ?? new StoreOptions());

    /// <summary>Opens a store that exists.</summary>
    /// <exception cref="SnapException">There is none, another process writes it (named), or it is damaged.</exception>
    public static StoreWriter OpenExisting(string directory, StoreOptions? options = null) =>
        new(StoreDirectory.OpenExisting(directory), options ?? new StoreOptions());

    internal static StoreWriter Open(IDisk disk, StoreOptions options)
    {
        StoreDirectory.CreateIfMissing(disk, options.ReserveBytes, options.HolderName);
        return new StoreWriter(disk, options);
    }

    /// <summary>Begins a snapshot.</summary>
    /// <param name="name">The chain it belongs to; one builder of a name at a time.</param>
    /// <param name="parent">What it is an increment of, of any name; <see cref="SnapshotId.None"/> if everything is given.</param>
    /// <param name="durability">Whether its commit waits for the disk; null: as the store was opened.</param>
    /// <exception cref="SnapException">The parent doesn't exist, or the name can't be used.</exception>
    public SnapshotBuilder Begin(string name, SnapshotId parent, Durability? durability = null)
    {
        Names.Check(name);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            SnapshotEntry? parentEntry = null;
            if (parent != SnapshotId.None)
            {
                parentEntry = _state.Find(parent);
                if (parentEntry is null || parentEntry.IsDropped)
                    throw StoreErrors.NoSnapshot(parent.ToString(), "the parent of the new snapshot is gone");
            }
            if (_builders.ContainsKey(name))
                throw new InvalidOperationException($"a snapshot of {name} is being built already");
            SortedDictionary<SpaceId, PageMap> maps = [];
            if (parentEntry is not null && !_maps.Remove(parent, out maps!))
                maps = Slots.ReadMaps(parentEntry.Manifest);
            return _builders[name] = new SnapshotBuilder(this, name, parentEntry, maps) { Number = ++_begun, Durability = durability ?? _options.Durability };
        }
    }

    /// <summary>Ends the writer. Builders that are still open must be disposed first.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            TryQuietly(SyncCommits);
            _reader?.Dispose();
            CloseIndex();
            Encoder.Dispose();
            _builders.Clear();
            CloseRetired();
            Slots.Segments.Dispose();
            _catalog.Dispose();
            _lock.Dispose();
        }
    }

    /// <summary>A segment for the next records of a name: its open one for the first records of a snapshot, a new one when that is full.</summary>
    internal SegmentWriter OpenSegment(string name, bool isFirst)
    {
        lock (_gate)
        {
            if (!isFirst)
                return CreateSegment(name);
            if (_open.Remove(name, out SegmentWriter? writer) && !writer.IsFailed && writer.Position < _options.SegmentBytes)
                return writer;
            return ReopenSegment(name) ?? CreateSegment(name);
        }
    }

    /// <summary>Ends the lease that our own reader holds of an older moment.</summary>
    private void RefreshReader()
    {
        lock (_gate)
        {
            _readerChanges = _state.Changes;
            _reader?.Refresh();
        }
    }

    /// <summary>A stored page; null if it is damaged or gone, which a writer gets over by storing the page again.</summary>
    /// <param name="address">The page.</param>
    /// <param name="pins">Hold its bytes until they are cleared.</param>
    internal PageVersion? FindPage(SlotAddress address, PagePins pins)
    {
        if (HotPages.Find(address, pins) is { } hot)
            return hot;
        try
        {
            DecodedBlock block = Slots.ReadBlock(address);
            pins.Hold(block);
            return block.Holds(address) ? PageVersion.Of(block, address) : null;
        }
        catch (SnapException damage) when (damage.Kind == ErrorCatalogue.StoreDamaged)
        {
            return null;
        }
    }

    /// <summary>An image and how many lie below it; empty if it is damaged.</summary>
    internal byte[] ReadImageOrNothing(SlotAddress address, out int depth)
    {
        try
        {
            return Slots.ReadImage(address, ImageHead.MaxDepth, out depth);
        }
        catch (SnapException damage) when (damage.Kind == ErrorCatalogue.StoreDamaged)
        {
            depth = 0;
            return [];
        }
    }

    /// <summary>Makes a commit durable, and then known.</summary>
    /// <returns>The snapshot; it stands even if the catalog could not be written.</returns>
    internal SnapshotInfo Publish(SnapshotEntry entry, List<SegmentWriter> writers, List<CommitExtent> extents,
        IReadOnlyCollection<KeyValuePair<ulong, SlotAddress>> hashes, Durability durability)
    {
        SegmentWriter last = writers[^1];
        if (_unsynced != last || writers.Count > 1)
            SyncCommits();
        foreach (SegmentWriter full in writers.SkipLast(1))
        {
            full.Flush();
            full.Sync();
        }
        if (writers.Exists(writer => writer.IsNew))
            _disk.SyncDirectory(SegmentName.Directory);
        var body = new ByteWriter(512);
        CommitRecord.EncodeEntry(body, entry);
        CommitRecord.EncodeExtents(body, extents);
        last.Append(RecordKind.Commit, CommitRecord.Version, body.Written, default);
        Complete(last, durability);

        // It stands from here on: nothing may fail the commit any more.
        for (int i = 0; i < writers.Count; i++)
            writers[i].Committed(extents[i]);
        lock (_gate)
        {
            _state.AddCommit(entry, extents, last.Position, segment => writers.First(writer => writer.Entry.Segment == segment).Entry);
            List(last, entry, extents, writers);
            AddToIndex(hashes);
            _open[entry.Info.Name] = last;
        }
        return entry.Info;
    }

    /// <summary>A builder ended; its maps may serve the next one.</summary>
    internal void End(string name, SnapshotId latest, SortedDictionary<SpaceId, PageMap>? maps)
    {
        lock (_gate)
        {
            _builders.Remove(name);
            CloseRetired();
            if (maps is not null && latest != SnapshotId.None)
                _maps[latest] = maps;
        }
    }

    /// <summary>Takes back what a builder wrote without committing.</summary>
    internal void Abandon(string name, List<SegmentWriter> writers)
    {
        foreach (SegmentWriter writer in writers)
        {
            Slots.Cache.Forget(writer.File, writer.Start);
            if (!writer.IsNew)
            {
                TakeBack(name, writer);
                continue;
            }
            lock (_gate)
            {
                _state.RemoveSegment(writer.Entry.Segment);
                Slots.Segments.Remove(writer.Entry.Segment);
            }
            TryQuietly(() => _disk.Unlink(writer.File.Path));
        }
    }

    private void TakeBack(string name, SegmentWriter writer)
    {
        TryQuietly(writer.TakeBack);
        lock (_gate)
        {
            if (!writer.IsFailed)
            {
                _open[name] = writer;
                return;
            }
            // Whatever the disk did with the bytes behind the last commit: they are declared to be nothing.
            writer.Entry.IsSealed = true;
            TryQuietly(SyncCommits);
            // Its end may lie behind commits that aren't durable yet.
            if (_unsynced is null)
                TryRecord(RecordKind.SegmentState, to => CatalogRecords.EncodeSegment(to, writer.Entry));
        }
    }

    /// <summary>Writes a change to the catalog that may be lost without harm, or that recovery finds again.</summary>
    private void TryRecord(RecordKind kind, Action<ByteWriter> encode)
    {
        bool wasBroken = _catalog.IsBroken;
        TryQuietly(() =>
        {
            _catalog.Append(_state, kind, encode, sync: false);
            if (_catalog.WantsRewrite)
                _catalog.Rewrite(_state);
        });
        if (_catalog.IsBroken != wasBroken)
            _lock.SetCatalogComplete(!_catalog.IsBroken);
    }

    private static void TryQuietly(Action step)
    {
        try
        {
            step();
        }
        catch (SnapException)
        {
            // Reported by the state that it leaves behind (a failed segment, a broken catalog), which the next step looks at.
        }
    }

    private SegmentWriter? ReopenSegment(string name)
    {
        foreach (SegmentEntry entry in _state.AllSegments().Where(entry => entry.Name == name && !entry.IsSealed && entry.End > 0))
        {
            if (entry.End >= _options.SegmentBytes)
                continue;
            SegmentFile file = Slots.Segments.Get(entry.Segment, out _);
            IDiskFile disk = _disk.OpenOrNull(file.Path, forWriting: true)
                ?? throw StoreErrors.Damaged(file.Description, null, "the segment's file is missing");
            file.Attach(disk);
            return new SegmentWriter(file, disk, entry, isNew: false);
        }
        return null;
    }

    private SegmentWriter CreateSegment(string name)
    {
        var entry = new SegmentEntry { Segment = _state.NextSegment, Generation = 1, Name = name };
        var file = new SegmentFile(_disk, entry.Segment, entry.Generation);
        // A leftover that could not be removed when the store was opened, and that no commit names.
        _disk.Unlink(file.Path);
        IDiskFile disk = _disk.CreateNew(file.Path);
        file.Attach(disk);
        Slots.Segments.Add(file);
        // In the state from now on, so that a catalog written meanwhile doesn't take the number for a dead one.
        _state.SetSegment(entry);
        var writer = new SegmentWriter(file, disk, entry, isNew: true);
        var start = new ByteWriter();
        SegmentStart.Encode(start, _config.StoreId, entry.Segment, entry.Generation, name);
        writer.Append(RecordKind.SegmentStart, SegmentStart.Version, start.Written, default);
        return writer;
    }

    private void Recover()
    {
        Dictionary<uint, long> ends = _state.AllSegments().ToDictionary(entry => entry.Segment, entry => entry.End);
        List<uint> found = new Recovery(_disk, _config, _state).FindCommits();
        // What was found may be in the page cache only; the catalog lists what is durable.
        foreach (uint segment in found.Distinct())
            WriteAgain(segment, ends.GetValueOrDefault(segment));
        if (found.Count > 0)
            _disk.SyncDirectory(SegmentName.Directory);
        // A full disk fails neither: leftovers do no harm, and without a catalog readers look into the segments.
        TryQuietly(RemoveLeftovers);
        if (found.Count > 0 || _catalog.WantsRewrite)
            TryQuietly(() => _catalog.Rewrite(_state));
    }

    /// <summary>Makes what was found in a segment durable. A sync alone isn't enough: if an earlier one failed, the kernel takes the bytes
    /// for written, and would say so.</summary>
    private void WriteAgain(uint segment, long from)
    {
        using IDiskFile? file = _disk.OpenOrNull(Slots.Segments.Get(segment, out _).Path, forWriting: true);
        if (file is null)
            return;
        byte[] buffer = new byte[1 << 20];
        for (long end = _state.FindSegment(segment)!.End; from < end;)
        {
            int read = file.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - from)), from);
            if (read == 0)
                break;
            file.Write(buffer.AsSpan(0, read), from);
            from += read;
        }
        file.SyncData();
    }

    /// <summary>Cuts off what lies behind the last commits, and removes files that nothing names.</summary>
    private void RemoveLeftovers()
    {
        foreach (SegmentEntry begun in _state.AllSegments().Where(entry => entry.End == 0))
        {
            _state.RemoveSegment(begun.Segment);
            _disk.Unlink(SegmentName.Of(begun.Segment, begun.Generation));
        }
        foreach (string name in _disk.List(SegmentName.Directory))
        {
            if (!SegmentName.TryParse(name, out uint segment, out uint generation))
                continue;
            SegmentEntry? entry = _state.FindSegment(segment);
            string path = SegmentName.Of(segment, generation);
            if (entry?.Generation == generation)
            {
                if (!entry.IsSealed)
                    CutTail(path, entry.End);
                continue;
            }
            // Never published by a commit or by gc; or replaced, and no reader is left that may need it.
            bool wasPublished = entry is null ? segment < _state.NextSegment : generation < entry.Generation;
            if (!wasPublished || !HasOldLeases())
                _disk.Unlink(path);
        }
    }

    private void CutTail(string path, long end)
    {
        using IDiskFile? file = _disk.OpenOrNull(path, forWriting: true);
        if (file is not null && file.Length > end)
            file.Truncate(end);
    }

    private bool HasOldLeases()
    {
        using IDiskFile? leases = _disk.OpenOrNull(StoreVersion.LeasePath, forWriting: false);
        return _state.Epoch > 0 && (leases?.IsLockedByOthers(0, (long)_state.Epoch) ?? false);
    }
}

using System.IO.Hashing;
using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Format;
using Snap.Store.Pages;
using Snap.Store.Segments;

namespace Snap.Store;

/// <summary>A snapshot being written. It exists once <see cref="Commit"/> returns; disposed before, it leaves nothing.</summary>
/// <remarks>Used by one thread. Pages stream to the disk as they come; what is held in memory is some bytes a page. After a failure every
/// call but <see cref="Dispose"/> throws; the writer stays usable, and the next snapshot begins in a new segment.</remarks>
public sealed class SnapshotBuilder : IDisposable
{
    private readonly StoreWriter _writer;
    private readonly string _name;
    private readonly SnapshotEntry? _parent;
    private readonly SortedDictionary<SpaceId, PageMap> _parentMaps;
    private readonly SortedDictionary<SpaceId, SpaceDraft> _drafts = [];
    private readonly HashSet<SpaceId> _removed = [];
    private readonly List<SegmentWriter> _segments = [];
    private readonly List<CommitExtent> _extents = [];
    private readonly Dictionary<ulong, SlotAddress> _hashes = [];
    private readonly PageGroup _group = new();
    private readonly ByteWriter _head = new();
    private SnapshotStatistics _statistics = new();
    private long _given, _zero, _unchanged, _deduplicated, _stored;
    private State _state = State.Open;

    internal SnapshotBuilder(StoreWriter writer, string name, SnapshotEntry? parent, SortedDictionary<SpaceId, PageMap> parentMaps) =>
        (_writer, _name, _parent, _parentMaps) = (writer, name, parent, parentMaps);

    private enum State
    {
        Open,
        Failed,
        Committed,
        Disposed,
    }

    /// <summary>What became of the pages so far; the bytes are complete after the commit.</summary>
    public SnapshotStatistics Statistics => _statistics with
    {
        PagesGiven = _given,
        PagesZero = _zero,
        PagesUnchanged = _unchanged,
        PagesDeduplicated = _deduplicated,
        PagesStored = _stored,
        BytesStored = _segments.Sum(segment => segment.Position - segment.Start) + _statistics.BytesStored,
    };

    /// <summary>Gives pages of a space; a later word on the same page wins.</summary>
    /// <param name="space">The space; it is made if the parent doesn't have it.</param>
    /// <param name="firstPage">First page.</param>
    /// <param name="pages">Their bytes, a multiple of the page size.</param>
    /// <exception cref="SnapException">The disk failed or is full.</exception>
    public void Put(SpaceId space, ulong firstPage, ReadOnlySpan<byte> pages)
    {
        if (pages.Length % PageRange.PageSize != 0)
            throw new ArgumentException("must be a multiple of the page size", nameof(pages));
        SpaceDraft draft = Draft(space);
        try
        {
            for (int at = 0; at < pages.Length; at += PageRange.PageSize)
                PutPage(draft, firstPage + (ulong)(at >> PageRange.PageShift), pages.Slice(at, PageRange.PageSize));
        }
        catch
        {
            _state = State.Failed;
            throw;
        }
    }

    /// <summary>Says that pages are all zeros, which isn't the same as absent.</summary>
    public void Zero(SpaceId space, PageRange range)
    {
        SpaceDraft draft = Draft(space);
        _given += (long)range.Count;
        _zero += (long)range.Count;
        for (ulong page = range.First; page < range.End; page++)
            draft.Set(page, PageMap.Zero);
    }

    /// <summary>Says that pages are absent.</summary>
    public void Drop(SpaceId space, PageRange range)
    {
        SpaceDraft draft = Draft(space);
        foreach (ulong page in draft.PagesWithin(range))
            draft.Set(page, PageMap.Absent);
    }

    /// <summary>Says that a space is gone with all its pages. Pages put later make it anew.</summary>
    public void RemoveSpace(SpaceId space)
    {
        Check();
        _drafts.Remove(space);
        if (_parentMaps.ContainsKey(space))
            _removed.Add(space);
    }

    /// <summary>Makes the snapshot durable.</summary>
    /// <param name="header">What the caller says of it.</param>
    /// <param name="image">The kernel state, opaque to the store.</param>
    /// <returns>The snapshot as lists show it.</returns>
    /// <exception cref="SnapException">The disk failed or is full; the snapshot doesn't exist.</exception>
    public SnapshotInfo Commit(SnapshotHeader header, ReadOnlySpan<byte> image)
    {
        Check();
        if (header.Name != _name)
            throw new ArgumentException($"the snapshot was begun as {_name}", nameof(header));
        if (header.Facts.Length > CommitRecord.MaxFactsLength || image.Length > ImageHead.MaxLength)
            throw new ArgumentException("facts or image are too long", nameof(header));
        if (header.Id is { } wanted && (wanted == SnapshotId.None || _writer.State.Find(wanted) is not null))
            throw new ArgumentException($"the id {wanted} is taken", nameof(header));
        _state = State.Failed;
        FlushGroup();
        SlotAddress imageAddress = AppendImage(image);
        Manifest changes = Changes();
        SlotAddress manifestAddress = AppendManifest(changes);
        _extents.Add(_segments[^1].AppendTables());
        _statistics = Statistics;
        var info = new SnapshotInfo(header.Id ?? SnapshotId.NewRandom(), _writer.State.TakeSequence(_name), string.Intern(_name),
            _parent?.Info.Id ?? SnapshotId.None, header.Time.ToUniversalTime(), _statistics, header.Facts.ToArray());
        var entry = new SnapshotEntry { Info = info, Manifest = manifestAddress, Image = imageAddress };
        _writer.Publish(entry, _segments, _extents, _hashes);
        _segments.Clear();
        _state = State.Committed;
        changes.ApplyTo(_parentMaps);
        _writer.End(_name, info.Id, _parentMaps);
        return info;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_state is State.Open or State.Failed)
        {
            _writer.Abandon(_name, _segments);
            _writer.End(_name, _parent?.Info.Id ?? SnapshotId.None, _parentMaps);
        }
        _state = State.Disposed;
    }

    private void Check()
    {
        ObjectDisposedException.ThrowIf(_state == State.Disposed, this);
        if (_state != State.Open)
            throw new InvalidOperationException(_state == State.Failed ? "the snapshot failed" : "the snapshot is committed");
    }

    private SpaceDraft Draft(SpaceId space)
    {
        Check();
        ArgumentOutOfRangeException.ThrowIfZero(space.Value, nameof(space));
        if (_drafts.TryGetValue(space, out SpaceDraft? draft))
            return draft;
        PageMap? parent = _removed.Contains(space) ? null : _parentMaps.GetValueOrDefault(space);
        _removed.Remove(space);
        draft = new SpaceDraft(space, parent);
        _drafts.Add(space, draft);
        return draft;
    }

    // The filters stand in the order of their cost: a zero test, a comparison with the page's previous version, a hash.
    private void PutPage(SpaceDraft draft, ulong page, ReadOnlySpan<byte> bytes)
    {
        _given++;
        if (!bytes.ContainsAnyExcept((byte)0))
        {
            _zero++;
            draft.Set(page, PageMap.Zero);
            return;
        }
        ulong before = draft.Before(page);
        if (PageMap.IsData(before) && _writer.HoldsPage(new SlotAddress(before), bytes))
        {
            _unchanged++;
            draft.Set(page, before);
            return;
        }
        ulong hash = (ulong)XxHash128.HashToUInt128(bytes, (long)_writer.HashSeed);
        if (TryFindEqual(hash, bytes, out SlotAddress equal))
        {
            _deduplicated++;
            draft.Set(page, equal.Value);
            return;
        }
        draft.Set(page, Store(draft.Space, bytes, hash).Value);
    }

    private bool TryFindEqual(ulong hash, ReadOnlySpan<byte> bytes, out SlotAddress equal)
    {
        if (_hashes.TryGetValue(hash, out equal))
        {
            if (_group.Holds(equal))
                return _group.Page(equal).SequenceEqual(bytes);
            uint holder = equal.Segment;
            _segments.Find(segment => segment.Entry.Segment == holder)?.Flush();
            return _writer.HoldsPage(equal, bytes);
        }
        return _writer.TryFindHash(hash, out equal) && _writer.HoldsPage(equal, bytes);
    }

    private SlotAddress Store(SpaceId space, ReadOnlySpan<byte> bytes, ulong hash)
    {
        if (_group.IsFull || (_group.Count > 0 && _group.Space != space))
            FlushGroup();
        SegmentWriter segment = Segment();
        SlotAddress address = segment.TakeSlots(1);
        segment.AddHash(address.Slot, hash);
        _group.Add(space, address, bytes);
        _hashes[hash] = address;
        _stored++;
        return address;
    }

    /// <summary>The segment to append to; the next one if it is full and no group is half-way in it.</summary>
    private SegmentWriter Segment()
    {
        if (_segments.Count > 0 && (_group.Count > 0 || _segments[^1].Position < _writer.Options.SegmentBytes))
            return _segments[^1];
        if (_segments.Count > 0)
        {
            _extents.Add(_segments[^1].AppendTables());
            _segments[^1].Flush();
        }
        _segments.Add(_writer.OpenSegment(_name, isFirst: _segments.Count == 0));
        return _segments[^1];
    }

    private void FlushGroup()
    {
        if (_group.Count == 0)
            return;
        byte[] packed = _group.Packed;
        int length = Zstd.Compress(_group.Pages, default, packed.AsSpan(0, _group.Pages.Length - (_group.Pages.Length / 32)),
            _writer.Options.CompressionLevel);
        bool isPacked = length > 0;
        _head.Clear();
        new BlockHead(isPacked ? BlockEncoding.Zstd : BlockEncoding.Raw, _group.Count, _group.First.Slot, 0, default).Encode(_head);
        _segments[^1].AppendSlots(RecordKind.Block, BlockHead.Version, _group.First.Slot, _group.Count, _head.Written,
            isPacked ? packed.AsSpan(0, length) : _group.Pages);
        _group.Clear();
    }

    private SlotAddress AppendImage(ReadOnlySpan<byte> image)
    {
        byte[] packed = new byte[image.Length];
        int length = image.Length < 64 ? 0 : Zstd.Compress(image, default, packed, level: 3);
        _head.Clear();
        new ImageHead(length > 0 ? BlockEncoding.Zstd : BlockEncoding.Raw, image.Length, 0, SlotAddress.None).Encode(_head);
        SegmentWriter segment = Segment();
        SlotAddress address = segment.TakeSlots(1);
        segment.AppendSlots(RecordKind.Image, ImageHead.Version, address.Slot, 1, _head.Written, length > 0 ? packed.AsSpan(0, length) : image);
        return address;
    }

    private SlotAddress AppendManifest(Manifest manifest)
    {
        var body = new ByteWriter(1024);
        ManifestRecord.Encode(body, manifest);
        if (!manifest.IsFull && manifest.ChainBytes + body.Length > manifest.FullBytes + 256)
        {
            // The increments since the last full manifest weigh as much as it does: another full one keeps reading flat.
            var maps = new SortedDictionary<SpaceId, PageMap>();
            foreach ((SpaceId space, PageMap map) in _parentMaps)
                maps.Add(space, manifest.Spaces.ContainsKey(space) ? map.Copy() : map);
            manifest.ApplyTo(maps);
            var spaces = new SortedDictionary<SpaceId, ManifestSpace>();
            foreach ((SpaceId space, PageMap map) in maps)
                spaces.Add(space, new ManifestSpace(Replaces: true, map));
            body.Clear();
            ManifestRecord.Encode(body, new Manifest { IsFull = true, Spaces = spaces });
        }
        SegmentWriter segment = Segment();
        SlotAddress address = segment.TakeSlots(1);
        segment.AppendSlots(RecordKind.Manifest, ManifestRecord.Version, address.Slot, 1, body.Written, default);
        return address;
    }

    /// <summary>This snapshot as changes to its parent; everything, if it has none.</summary>
    private Manifest Changes()
    {
        var spaces = new SortedDictionary<SpaceId, ManifestSpace>();
        foreach ((SpaceId space, SpaceDraft draft) in _drafts)
        {
            if (draft.Replaces || !draft.Changes.IsEmpty)
                spaces.Add(space, new ManifestSpace(draft.Replaces, draft.Changes));
        }
        if (_parent is null)
            return new Manifest { IsFull = true, Spaces = spaces };
        int parentLength = _writer.Slots.StoredLength(_parent.Manifest);
        Manifest parent = _writer.Slots.ReadManifest(_parent.Manifest);
        (long chainBytes, long fullBytes) = parent.IsFull ? (0, parentLength) : (parent.ChainBytes + parentLength, parent.FullBytes);
        return new Manifest { Base = _parent.Manifest, ChainBytes = chainBytes, FullBytes = fullBytes, Removed = [.. _removed], Spaces = spaces };
    }

    /// <summary>What this snapshot says of one space.</summary>
    private sealed class SpaceDraft(SpaceId space, PageMap? parent)
    {
        public SpaceId Space => space;

        /// <summary>True if nothing of the parent's is left: the space is new, or was removed and made anew.</summary>
        public bool Replaces => parent is null;

        public PageMap Changes { get; } = new();

        /// <summary>The page in the parent.</summary>
        public ulong Before(ulong page) => parent?.Get(page) ?? PageMap.Absent;

        /// <summary>Sets what the page is now; nothing is said of it if that is what the parent has.</summary>
        public void Set(ulong page, ulong value)
        {
            ulong before = Before(page);
            Changes.Set(page, value == before ? PageMap.Absent : value == PageMap.Absent ? PageMap.Dropped : value);
        }

        /// <summary>Pages that are present, or spoken of, in a range.</summary>
        public List<ulong> PagesWithin(PageRange range) =>
            [.. (parent?.Within(range) ?? []).Concat(Changes.Within(range)).Select(entry => entry.Page).Distinct()];
    }

    /// <summary>Up to 16 pages that will be one block.</summary>
    private sealed class PageGroup
    {
        private readonly byte[] _pages = new byte[BlockHead.MaxPages * PageRange.PageSize];

        public byte[] Packed { get; } = new byte[BlockHead.MaxPages * PageRange.PageSize];

        public int Count { get; private set; }

        public bool IsFull => Count == BlockHead.MaxPages;

        public SlotAddress First { get; private set; }

        public SpaceId Space { get; private set; }

        public ReadOnlySpan<byte> Pages => _pages.AsSpan(0, Count * PageRange.PageSize);

        public void Add(SpaceId space, SlotAddress address, ReadOnlySpan<byte> page)
        {
            if (Count == 0)
                (First, Space) = (address, space);
            Invariant.Holds(address.Value == First.Value + (ulong)Count);
            page.CopyTo(_pages.AsSpan(Count * PageRange.PageSize));
            Count++;
        }

        public bool Holds(SlotAddress address) => Count > 0 && address.Value - First.Value < (ulong)Count;

        public ReadOnlySpan<byte> Page(SlotAddress address) =>
            _pages.AsSpan((int)(address.Value - First.Value) * PageRange.PageSize, PageRange.PageSize);

        public void Clear() => Count = 0;
    }
}

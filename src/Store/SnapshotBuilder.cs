using Snap.Image;
using Snap.Store.Format;
using Snap.Store.Pages;
using Snap.Store.Segments;

namespace Snap.Store;

/// <summary>A snapshot being written. It exists once <see cref="Commit"/> returns; disposed before, it leaves nothing.</summary>
/// <remarks>Used by one thread. Pages stream to the disk as they come, encoded on other threads; what is held in memory is some bytes a
/// page. After a failure every call but <see cref="Dispose"/> throws; the writer stays usable, and the next snapshot begins in a new
/// segment.</remarks>
public sealed partial class SnapshotBuilder : IDisposable
{
    private readonly StoreWriter _writer;
    private readonly string _name;
    private readonly SnapshotEntry? _parent;
    private readonly SortedDictionary<SpaceId, PageMap> _parentMaps;
    private readonly SortedDictionary<SpaceId, SpaceDraft> _drafts = [];
    private readonly HashSet<SpaceId> _removed = [];
    private SnapshotStatistics? _final;
    private State _state = State.Open;

    internal SnapshotBuilder(StoreWriter writer, string name, SnapshotEntry? parent, SortedDictionary<SpaceId, PageMap> parentMaps)
    {
        (_writer, _name, _parent, _parentMaps) = (writer, name, parent, parentMaps);
        _rules = writer.DeltaRules;
    }

    private enum State
    {
        Open,
        Failed,
        Committed,
        Disposed,
    }

    /// <summary>What became of the pages so far; pages still being encoded are counted as stored, their bytes not yet.</summary>
    public SnapshotStatistics Statistics => _final ?? new SnapshotStatistics
    {
        PagesGiven = _given,
        PagesZero = _zero,
        PagesUnchanged = _unchanged,
        PagesDeduplicated = _deduplicated,
        PagesStored = _stored,
        PagesDelta = _delta,
        BytesStored = _segments.Sum(segment => segment.Position - segment.Start),
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
        State before = _state;
        _state = State.Failed;
        for (int at = 0; at < pages.Length; at += PageRange.PageSize)
        {
            PutPage(draft, firstPage + (ulong)(at >> PageRange.PageShift), pages.Slice(at, PageRange.PageSize));
            _pins.Clear();
        }
        _state = before;
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
        FlushGroups();
        SlotAddress imageAddress = AppendImage(image);
        Manifest changes = Changes();
        SlotAddress manifestAddress = AppendManifest(changes);
        _extents.Add(_segments[^1].AppendTables());
        SnapshotStatistics statistics = Statistics;
        var info = new SnapshotInfo(header.Id ?? SnapshotId.NewRandom(), _writer.State.TakeSequence(_name), string.Intern(_name),
            _parent?.Info.Id ?? SnapshotId.None, header.Time.ToUniversalTime(), statistics, header.Facts.ToArray());
        var entry = new SnapshotEntry { Info = info, Manifest = manifestAddress, Image = imageAddress };
        _writer.Publish(entry, _segments, _extents, _hashes, Durability);
        (_final, _state) = (statistics, State.Committed);
        changes.ApplyTo(_parentMaps);
        _writer.End(_name, info.Id, _parentMaps);
        return info;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pins.Clear();
        if (_state is State.Open or State.Failed)
        {
            GiveUpGroups();
            _writer.Abandon(_name, _segments);
            _writer.End(_name, _parent?.Info.Id ?? SnapshotId.None, _parentMaps);
        }
        _state = State.Disposed;
    }

    /// <summary>Counts the builders begun; tells whether one may still hold a file that gc replaced.</summary>
    internal ulong Number { get; init; }

    /// <summary>Whether its commit waits for the disk.</summary>
    internal Durability Durability { get; init; }

    /// <summary>The parent, which must not be dropped meanwhile.</summary>
    internal SnapshotId Parent => _parent?.Info.Id ?? SnapshotId.None;

    /// <summary>Pages of other commits that this one refers to; guarded by the writer (TryBorrow).</summary>
    internal List<SlotAddress> Borrowed { get; } = [];

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
}

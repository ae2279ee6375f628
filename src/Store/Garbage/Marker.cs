// What is live: the pages that a kept snapshot resolves to, the pages that these need as bases, the manifests from each kept snapshot down
// to its last full one, and the images with those below them. Each manifest is read once: snapshots are visited from parents to children,
// with one map that their changes are applied to; of a kept child of a kept parent only the changes are marked.
// Heads of records are read without their checksums: a head that is damaged belongs to a record that is lost anyway.
using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Format;
using Snap.Store.Pages;
using Snap.Store.Segments;

namespace Snap.Store.Garbage;

/// <summary>Marks live slots.</summary>
internal sealed class Marker(SlotStore slots)
{
    private readonly Stack<SlotAddress> _pending = new();
    private readonly HashSet<SnapshotId> _full = [];

    public SlotSet Live { get; } = new();

    /// <summary>Manifests read.</summary>
    public int ManifestsRead { get; private set; }

    /// <summary>Snapshots that are dropped, but whose manifests kept ones build on; and the kept ones.</summary>
    public HashSet<SnapshotId> Needed { get; } = [];

    /// <summary>Marks everything that the kept snapshots need.</summary>
    /// <param name="entries">All snapshots of the catalog, parents before children.</param>
    /// <param name="isKept">Which of them are kept.</param>
    public void Mark(IReadOnlyList<SnapshotEntry> entries, Func<SnapshotEntry, bool> isKept)
    {
        ILookup<SnapshotId, SnapshotEntry> children = entries.ToLookup(entry => entry.Info.Parent);
        HashSet<SnapshotId> wanted = WithKeptDescendants(entries, isKept);
        var known = entries.Select(entry => entry.Info.Id).ToHashSet();
        var visits = new Stack<(SnapshotEntry Entry, SortedDictionary<SpaceId, PageMap>? Maps, bool IsParentKept)>();
        foreach (SnapshotEntry root in entries.Where(entry => !known.Contains(entry.Info.Parent) && wanted.Contains(entry.Info.Id)))
            visits.Push((root, null, false));
        while (visits.TryPop(out var visit))
        {
            bool kept = isKept(visit.Entry);
            SortedDictionary<SpaceId, PageMap> maps = Visit(visit.Entry, visit.Maps, kept, visit.IsParentKept);
            SnapshotEntry[] next = [.. children[visit.Entry.Info.Id].Where(child => wanted.Contains(child.Info.Id))];
            for (int i = 0; i < next.Length; i++)
                visits.Push((next[i], i == 0 ? maps : Copy(maps), kept));
        }
        foreach (SnapshotEntry entry in entries.Reverse())
        {
            if (isKept(entry))
                Needed.Add(entry.Info.Id);
            if (Needed.Contains(entry.Info.Id))
                MarkMetadata(entry, isKept(entry));
            if (Needed.Contains(entry.Info.Id) && !_full.Contains(entry.Info.Id))
                Needed.Add(entry.Info.Parent);
        }
        MarkBases();
    }

    /// <summary>Marks what one further commit changed against its parent, which is marked already.</summary>
    public void MarkCommit(SnapshotEntry entry)
    {
        Visit(entry, [], isKept: true, isParentKept: true);
        Needed.Add(entry.Info.Id);
        MarkMetadata(entry, isKept: true);
        MarkBases();
    }

    /// <summary>Marks a page that a builder refers to, with its bases.</summary>
    public void MarkPage(SlotAddress address)
    {
        Add(address);
        MarkBases();
    }

    private static HashSet<SnapshotId> WithKeptDescendants(IReadOnlyList<SnapshotEntry> entries, Func<SnapshotEntry, bool> isKept)
    {
        var wanted = new HashSet<SnapshotId>();
        foreach (SnapshotEntry entry in entries.Reverse())
        {
            if (!isKept(entry) && !wanted.Contains(entry.Info.Id))
                continue;
            wanted.Add(entry.Info.Id);
            wanted.Add(entry.Info.Parent);
        }
        return wanted;
    }

    private SortedDictionary<SpaceId, PageMap> Visit(SnapshotEntry entry, SortedDictionary<SpaceId, PageMap>? maps, bool isKept, bool isParentKept)
    {
        Manifest manifest = slots.ReadManifest(entry.Manifest);
        ManifestsRead++;
        if (manifest.IsFull)
        {
            _full.Add(entry.Info.Id);
            maps = [];
        }
        else if (maps is null)
        {
            throw StoreErrors.Damaged(slots.Segments.Get(entry.Manifest.Segment, out _).Description, null,
                $"the manifest that {entry.Info} builds on is missing");
        }
        if (isKept && isParentKept && !manifest.IsFull)
            MarkPages(manifest.Spaces.Values.Select(space => space.Pages));
        manifest.ApplyTo(maps);
        if (isKept && (!isParentKept || manifest.IsFull))
            MarkPages(maps.Values);
        return maps;
    }

    private void MarkPages(IEnumerable<PageMap> maps)
    {
        foreach (PageMap map in maps)
        {
            foreach ((_, ulong value) in map.Ascending())
            {
                if (PageMap.IsData(value))
                    Add(new SlotAddress(value));
            }
        }
    }

    private void Add(SlotAddress address)
    {
        if (Live.Add(address))
            _pending.Push(address);
    }

    private void MarkMetadata(SnapshotEntry entry, bool isKept)
    {
        Live.Add(entry.Manifest);
        SlotAddress image = entry.Image;
        Span<byte> buffer = stackalloc byte[64];
        while (isKept && Live.Add(image))
        {
            ReadOnlySpan<byte> body = ReadHead(image, out _, buffer);
            if (!TryDecodeImage(body, out ImageHead head) || head.Encoding != BlockEncoding.Delta)
                break;
            image = head.Base;
        }
    }

    private void MarkBases()
    {
        SlotEntry last = default;
        uint lastSegment = 0;
        BlockHead head = default;
        Span<byte> buffer = stackalloc byte[64];
        while (_pending.TryPop(out SlotAddress address))
        {
            if (address.Segment != lastSegment || !last.Holds(address.Slot))
            {
                ReadOnlySpan<byte> body = ReadHead(address, out last, buffer);
                lastSegment = address.Segment;
                if (!BlockHead.TryDecodeHead(body, out head))
                    head = default;
            }
            // All of its bases: the block stays one record until its own segment is rewritten.
            for (int i = 0; head.Encoding == BlockEncoding.Delta && i < head.PageCount; i++)
                Add(head.Base.Page(i));
        }
    }

    /// <summary>The first bytes of a record's body.</summary>
    private ReadOnlySpan<byte> ReadHead(SlotAddress address, out SlotEntry entry, Span<byte> buffer)
    {
        SegmentFile file = slots.Segments.Get(address.Segment, out long? table);
        if (!file.TryFind(address.Slot, table, out entry))
            return default;
        int read = file.File().Read(buffer[..Math.Min(buffer.Length, entry.Length)], entry.Offset);
        return read <= RecordFrame.HeaderSize ? default : buffer[RecordFrame.HeaderSize..read];
    }

    private static bool TryDecodeImage(ReadOnlySpan<byte> body, out ImageHead head)
    {
        head = default;
        if (body.IsEmpty || body[0] != (byte)BlockEncoding.Delta)
            return false;
        try
        {
            head = ImageHead.Decode(body, out _);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static SortedDictionary<SpaceId, PageMap> Copy(SortedDictionary<SpaceId, PageMap> maps)
    {
        var copy = new SortedDictionary<SpaceId, PageMap>();
        foreach ((SpaceId space, PageMap map) in maps)
            copy.Add(space, map.Copy());
        return copy;
    }
}

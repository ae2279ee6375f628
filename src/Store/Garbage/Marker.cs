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
        var kept = entries.Where(isKept).Select(entry => entry.Info.Id).ToHashSet();
        new ManifestWalk(slots).Run(entries, isKept, visit =>
        {
            ManifestsRead++;
            if (visit.Manifest.IsFull)
                _full.Add(visit.Entry.Info.Id);
            if (kept.Contains(visit.Entry.Info.Id))
                MarkPages(visit.Manifest.IsFull || !kept.Contains(visit.Entry.Info.Parent) ? visit.Maps.Values : visit.Manifest.Spaces.Values.Select(space => space.Pages));
        });
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
        MarkPages(slots.ReadManifest(entry.Manifest).Spaces.Values.Select(space => space.Pages));
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
            for (int i = 0; head.HasBase && i < head.PageCount; i++)
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
}

// Without data: every slot table, manifest and image is read and checked, every address has to be in a slot table, every record within its
// segment. With data: every record of every segment is checked, dead ones too, and every block is decoded with its bases; then whatever
// can't be read is traced to the snapshots, spaces and pages that it hurts.
using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Catalog;
using Snap.Store.Disk;
using Snap.Store.Format;
using Snap.Store.Garbage;
using Snap.Store.Pages;
using Snap.Store.Segments;

namespace Snap.Store.Check;

/// <summary>Looks for damage in one version of a store.</summary>
internal sealed class Verifier(IDisk disk, CatalogState state, SlotStore slots, bool readData, Action<string>? progress)
{
    private const int MaxRunsPerSnapshot = 20;
    private readonly List<VerifyFinding> _findings = [];
    private readonly HashSet<SnapshotId> _damaged = [];
    private readonly SlotSet _bad = new();
    private readonly Dictionary<uint, string> _badSegments = [];
    private bool _anyBad;
    private long _records;
    private long _bytes;

    /// <summary>Slots that can't be read.</summary>
    public SlotSet Bad => _bad;

    /// <summary>Segments in which damage was found, with the first finding.</summary>
    public IReadOnlyDictionary<uint, string> BadSegments => _badSegments;

    public VerifyReport Run()
    {
        if (state.TornBytes > 0)
            _findings.Add(new VerifyFinding(disk.Describe("catalog"), $"the last {state.TornBytes} bytes of the catalog are no record; what they said is lost, if it isn't found in the segments"));
        SegmentEntry[] segments = state.AllSegments();
        foreach (SegmentEntry segment in segments.Where(segment => segment.End > 0))
        {
            progress?.Invoke($"segment {segment.Segment:x8}");
            CheckSegment(segment);
        }
        CheckSnapshots();
        SnapshotInfo[] damaged = [.. state.Listed().Where(snapshot => _damaged.Contains(snapshot.Id))];
        return new VerifyReport
        {
            Findings = _findings,
            Snapshots = state.Listed().Count,
            Segments = segments.Length,
            Records = _records,
            Bytes = _bytes,
            Damaged = damaged,
        };
    }

    private void CheckSegment(SegmentEntry segment)
    {
        SegmentFile file = slots.Segments.Get(segment.Segment, out long? table);
        SlotEntry[] entries = [];
        try
        {
            entries = file.AllEntries(table);
            if (file.File().Length < segment.End)
                throw file.Damaged(file.File().Length, $"the file ends too early; it should have {segment.End} bytes");
        }
        catch (SnapException damage) when (damage.Kind == ErrorCatalogue.StoreDamaged)
        {
            Found(segment, damage);
        }
        if (readData)
            CheckRecords(segment, file, entries);
        foreach (SlotEntry entry in entries)
            CheckSlots(segment, file, entry);
    }

    /// <summary>Walks the records from the first to the last; where the chain breaks, the slot tables show where it goes on.</summary>
    private void CheckRecords(SegmentEntry segment, SegmentFile file, SlotEntry[] entries)
    {
        long[] starts = [.. entries.Select(entry => entry.Offset).Order()];
        long at = 0;
        while (at < segment.End)
        {
            try
            {
                byte[] record = file.ReadRecord(at, out RecordHeader header);
                _records++;
                _bytes += record.Length;
                Decode(segment, file, header, record.AsSpan(RecordFrame.HeaderSize), at);
                at += record.Length;
            }
            catch (SnapException damage) when (damage.Kind == ErrorCatalogue.StoreDamaged)
            {
                Found(segment, damage);
                int next = Array.BinarySearch(starts, at + 1);
                next = next < 0 ? ~next : next;
                if (next == starts.Length)
                    return;
                at = starts[next];
            }
        }
    }

    private void Decode(SegmentEntry segment, SegmentFile file, RecordHeader header, ReadOnlySpan<byte> body, long at)
    {
        try
        {
            switch (header.Kind)
            {
                case RecordKind.Hashes:
                    HashesRecord.Decode(body, out _);
                    break;
                case RecordKind.SlotTable:
                    SlotTable.Decode(body, out _);
                    break;
                case RecordKind.Commit:
                    CommitRecord.Decode(body);
                    break;
                case RecordKind.SegmentStart when at != 0:
                    throw new FormatException("a segment begins in the middle of another");
                case RecordKind.Block or RecordKind.Manifest or RecordKind.Image or RecordKind.SegmentStart:
                    break;
                default:
                    throw new FormatException($"a record of kind {(byte)header.Kind} doesn't belong in a segment");
            }
        }
        catch (FormatException wrong)
        {
            Found(segment, file.Damaged(at, wrong.Message));
        }
    }

    private void CheckSlots(SegmentEntry segment, SegmentFile file, SlotEntry entry)
    {
        try
        {
            if (entry.Offset + entry.Length > segment.End)
                Found(segment, file.Damaged(entry.Offset, "a slot table points behind the segment's end"));
            if (readData || entry.Count == 1)
                CheckContent(segment, file, entry);
        }
        catch (SnapException damage) when (damage.Kind == ErrorCatalogue.StoreDamaged)
        {
            // Dead records may lack their bases: gc removed them. It is damage only if a snapshot needs the slot, which is looked for next.
            _anyBad = true;
            for (int bit = 0; bit < 16; bit++)
            {
                if ((entry.Mask & (1 << bit)) != 0)
                    _bad.Add(new SlotAddress(segment.Segment, entry.FirstSlot + (uint)bit));
            }
        }
    }

    private void CheckContent(SegmentEntry segment, SegmentFile file, SlotEntry entry)
    {
        byte[] record = file.ReadRecord(entry.Offset, entry.Length, out RecordHeader header);
        var address = new SlotAddress(segment.Segment, entry.FirstSlot);
        switch (header.Kind)
        {
            case RecordKind.Manifest:
                slots.ReadManifest(address);
                break;
            case RecordKind.Image:
                slots.ReadImage(address);
                break;
            case RecordKind.Block when readData:
                slots.CheckBlock(file, entry, record, header);
                break;
            case RecordKind.Block:
                break;
            default:
                throw file.Damaged(entry.Offset, $"a slot holds a record of kind {header.Kind}");
        }
    }

    private void CheckSnapshots()
    {
        new ManifestWalk(slots).Run(state.AllEntries(), entry => !entry.IsDropped, visit =>
        {
            if (visit.Entry.IsDropped)
                return;
            if (_bad.Contains(visit.Entry.Image) || !IsThere(visit.Entry.Image))
                Hurts(visit.Entry, "its image, the kernel state, can't be read");
            // Of an increment only the changes are looked at, if its parent's pages were all there.
            bool isParentWhole = state.Find(visit.Entry.Info.Parent) is { IsDropped: false } && !_damaged.Contains(visit.Entry.Info.Parent);
            IEnumerable<PageMap> maps = isParentWhole && !visit.Manifest.IsFull ? visit.Manifest.Spaces.Values.Select(space => space.Pages) : visit.Maps.Values;
            if (_anyBad || maps.SelectMany(map => map.Ascending()).Any(page => PageMap.IsData(page.Value) && !IsThere(new SlotAddress(page.Value))))
                NamePages(visit);
        }, (entry, damage) =>
        {
            if (!entry.IsDropped)
                Hurts(entry, $"its manifest can't be read: {damage.Why}");
        });
    }

    private void NamePages(ManifestVisit visit)
    {
        foreach ((SpaceId space, PageMap map) in visit.Maps)
        {
            PageRange run = default;
            int runs = 0;
            foreach ((ulong page, ulong value) in map.Ascending())
            {
                var address = new SlotAddress(value);
                if (!PageMap.IsData(value) || (!_bad.Contains(address) && IsThere(address)))
                    continue;
                if (run.Count > 0 && run.End != page)
                {
                    Report(run, ref runs);
                    run = default;
                }
                run = run.Count == 0 ? new PageRange(page, 1) : run with { Count = run.Count + 1 };
            }
            if (run.Count > 0)
                Report(run, ref runs);

            void Report(PageRange pages, ref int count)
            {
                _damaged.Add(visit.Entry.Info.Id);
                if (count++ < MaxRunsPerSnapshot)
                    _findings.Add(new VerifyFinding($"{space}, {pages}", $"{pages.Count} pages of snapshot {visit.Entry.Info} can't be read", visit.Entry.Info, space, pages));
            }
        }
    }

    private void Hurts(SnapshotEntry entry, string what)
    {
        _damaged.Add(entry.Info.Id);
        _findings.Add(new VerifyFinding($"snapshot {entry.Info}", what, entry.Info));
    }

    private bool IsThere(SlotAddress address)
    {
        if (state.FindSegment(address.Segment) is null)
            return false;
        SegmentFile file = slots.Segments.Get(address.Segment, out long? table);
        try
        {
            return file.TryFind(address.Slot, table, out _);
        }
        catch (SnapException damage) when (damage.Kind == ErrorCatalogue.StoreDamaged)
        {
            return false;
        }
    }

    private void Found(SegmentEntry segment, SnapException damage)
    {
        _badSegments.TryAdd(segment.Segment, damage.Why ?? damage.What);
        if (!_findings.Exists(finding => finding.Where == damage.Where && finding.What == damage.Why))
            _findings.Add(new VerifyFinding(damage.Where ?? "", damage.Why ?? damage.What));
    }
}

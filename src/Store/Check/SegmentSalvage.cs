// The next generation of a damaged segment: every whole record as it is, the pages of damaged ones where their content was stored again
// elsewhere, and nothing in the place of the rest. Slots keep their numbers, so that manifests and deltas find what was healed.
using System.Numerics;
using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Catalog;
using Snap.Store.Disk;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Store.Check;

/// <summary>What is whole of one damaged segment, and its rewriting.</summary>
internal sealed class SegmentSalvage
{
    private readonly SegmentEntry _old;
    private readonly List<ScannedRecord> _records = [];
    private readonly SortedDictionary<uint, SlotEntry> _entries = [];
    private readonly Dictionary<uint, ulong> _hashes = [];

    public SegmentSalvage(IDisk disk, SegmentEntry old)
    {
        _old = old;
        using IDiskFile? file = disk.OpenOrNull(SegmentName.Of(old.Segment, old.Generation), forWriting: false);
        if (file is null)
            return;
        foreach (ScannedRecord record in SegmentScan.Read(file, old.Segment, old.Generation, old.End))
            Take(record);
        FindUnlisted();
        HashSet<long> whole = [.. _records.Select(record => record.Offset)];
        Lost = [.. _entries.Values.Where(entry => !whole.Contains(entry.Offset))];
    }

    /// <summary>Records that slot tables tell of, and that can't be read.</summary>
    public IReadOnlyList<SlotEntry> Lost { get; } = [];

    /// <summary>True if nothing of the segment can be read.</summary>
    public bool IsGone => _records.Count == 0;

    /// <summary>Pages put back from elsewhere by <see cref="Rewrite"/>.</summary>
    public long PagesHealed { get; private set; }

    /// <summary>The hashes of the lost pages, where they are known.</summary>
    public IEnumerable<ulong> WantedHashes() => Lost.SelectMany(Slots).Where(_hashes.ContainsKey).Select(slot => _hashes[slot]);

    /// <summary>Writes the next generation.</summary>
    /// <param name="disk">The store's disk.</param>
    /// <param name="storeId">The store.</param>
    /// <param name="find">The page with a hash; null if there is none.</param>
    /// <returns>Its entry for the catalog; durable, but for its name.</returns>
    public SegmentEntry Rewrite(IDisk disk, UInt128 storeId, Func<ulong, byte[]?> find)
    {
        uint generation = _old.Generation + 1;
        string path = SegmentName.Of(_old.Segment, generation);
        disk.Unlink(path);
        IDiskFile file = disk.CreateNew(path);
        var entry = new SegmentEntry { Segment = _old.Segment, Generation = generation, Name = _old.Name, IsSealed = true };
        using var next = new SegmentFile(disk, _old.Segment, generation);
        next.Attach(file);
        var writer = new SegmentWriter(next, file, entry, isNew: true);
        var start = new ByteWriter();
        SegmentStart.Encode(start, storeId, _old.Segment, generation, _old.Name);
        writer.Append(RecordKind.SegmentStart, SegmentStart.Version, start.Written, default);
        Dictionary<long, SlotEntry> byOffset = _entries.Values.ToDictionary(known => known.Offset);
        foreach (ScannedRecord record in _records)
            Copy(record, byOffset, writer);
        foreach (SlotEntry lost in Lost)
            Heal(lost, find, writer);
        foreach ((uint slot, ulong hash) in _hashes.Where(known => next.TryFind(known.Key, null, out _)))
            writer.AddHash(slot, hash);
        CommitExtent extent = writer.AppendTables();
        writer.Flush();
        writer.Sync();
        (entry.TableOffset, entry.HashesOffset, entry.End) = (extent.TableOffset, extent.HashesOffset, writer.Position);
        return entry;
    }

    private static IEnumerable<uint> Slots(SlotEntry entry)
    {
        for (uint bit = 0; bit < 16; bit++)
        {
            if ((entry.Mask & (1 << (int)bit)) != 0)
                yield return entry.FirstSlot + bit;
        }
    }

    private static void Copy(ScannedRecord record, Dictionary<long, SlotEntry> byOffset, SegmentWriter writer)
    {
        if (byOffset.TryGetValue(record.Offset, out SlotEntry entry))
        {
            writer.AppendEntry(record.Header.Kind, record.Header.Version, entry.FirstSlot, entry.Mask, record.Body);
            return;
        }
        if (record.Header.Kind != RecordKind.Commit)
            return;
        // Its extents were of the old generation.
        var commit = new ByteWriter(record.Body.Length);
        CommitRecord.EncodeEntry(commit, CommitRecord.Decode(record.Body).Entry);
        CommitRecord.EncodeExtents(commit, []);
        writer.Append(RecordKind.Commit, CommitRecord.Version, commit.Written, default);
    }

    /// <summary>One block with those pages of a lost one that can be found: deltas name their bases within one block.</summary>
    private void Heal(SlotEntry lost, Func<ulong, byte[]?> find, SegmentWriter writer)
    {
        var pages = new ByteWriter(BlockHead.MaxPages * PageRange.PageSize);
        uint firstSlot = 0;
        ushort mask = 0;
        foreach (uint slot in Slots(lost))
        {
            if (!_hashes.TryGetValue(slot, out ulong hash) || find(hash) is not { } page)
                continue;
            firstSlot = mask == 0 ? slot : firstSlot;
            mask |= (ushort)(1 << (int)(slot - firstSlot));
            pages.Bytes(page);
        }
        if (mask == 0)
            return;
        int count = BitOperations.PopCount(mask);
        byte[] packed = new byte[pages.Length];
        int length = Zstd.Compress(pages.Written, default, packed.AsSpan(0, pages.Length - (pages.Length / 32)), level: 1);
        var body = new ByteWriter(pages.Length + 64);
        new BlockHead(length == 0 ? BlockEncoding.Raw : BlockEncoding.Zstd, count, firstSlot, pages.Length, 0, default).Encode(body);
        body.Bytes(length == 0 ? pages.Written : packed.AsSpan(0, length));
        writer.AppendEntry(RecordKind.Block, BlockHead.Version, firstSlot, mask, body.Written);
        PagesHealed += count;
    }

    private void Take(ScannedRecord record)
    {
        try
        {
            switch (record.Header.Kind)
            {
                case RecordKind.SlotTable:
                    foreach (SlotEntry entry in SlotTable.Decode(record.Body, out _))
                        _entries[entry.FirstSlot] = entry;
                    break;
                case RecordKind.Hashes:
                    foreach ((uint slot, ulong hash) in HashesRecord.Decode(record.Body, out _))
                        _hashes[slot] = hash;
                    break;
                case RecordKind.Commit:
                    CommitRecord.Decode(record.Body);
                    break;
            }
            _records.Add(record);
        }
        catch (FormatException)
        {
            // Whole, but not of a form that we know: it isn't copied.
        }
    }

    /// <summary>Records whose slot table is lost: blocks tell their slots themselves, and commits those of the two records before them.</summary>
    private void FindUnlisted()
    {
        if (_old.Generation > 1)
            return;
        (ScannedRecord? manifest, ScannedRecord? image) = (null, null);
        foreach (ScannedRecord record in _records)
        {
            switch (record.Header.Kind)
            {
                case RecordKind.Block when BlockHead.TryDecodeHead(record.Body, out BlockHead head):
                    Add(head.FirstSlot, head.PageCount, record);
                    break;
                case RecordKind.Manifest:
                    manifest = record;
                    break;
                case RecordKind.Image:
                    image = record;
                    break;
                case RecordKind.Commit:
                    SnapshotEntry snapshot = CommitRecord.Decode(record.Body).Entry;
                    if (manifest is { } found && snapshot.Manifest.Segment == _old.Segment)
                        Add(snapshot.Manifest.Slot, 1, found);
                    if (image is { } state && snapshot.Image.Segment == _old.Segment)
                        Add(snapshot.Image.Slot, 1, state);
                    (manifest, image) = (null, null);
                    break;
            }
        }

        void Add(uint slot, int count, ScannedRecord record) =>
            _entries.TryAdd(slot, new SlotEntry(slot, (ushort)((1 << count) - 1), record.Offset, record.Bytes.Length));
    }
}

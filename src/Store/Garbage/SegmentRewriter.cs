// A segment's next generation holds its live records only: blocks as they were, or encoded anew without their dead pages; manifests and
// images as they were; the commit records of kept snapshots, from which a lost catalog can be rebuilt; then hashes and one whole slot table.
// Slots keep their numbers. The file is durable before its generation is published.
using System.Numerics;
using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Catalog;
using Snap.Store.Disk;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Store.Garbage;

/// <summary>Writes the next generation of a segment.</summary>
internal sealed class SegmentRewriter(IDisk disk, StoreConfig config, SlotStore slots, DeltaRules rules)
{
    /// <summary>Writes what is live of a segment.</summary>
    /// <param name="old">The segment, never appended to any more.</param>
    /// <param name="live">Live slots.</param>
    /// <param name="isKept">Which snapshots' commit records stay.</param>
    /// <returns>The catalog's entry of the next generation; durable, but for its name.</returns>
    /// <exception cref="SnapException">A live record is damaged, or the disk failed; nothing is left then.</exception>
    public SegmentEntry Rewrite(SegmentEntry old, SlotSet live, Func<SnapshotId, bool> isKept)
    {
        uint generation = old.Generation + 1;
        string path = SegmentName.Of(old.Segment, generation);
        disk.Unlink(path);
        IDiskFile file = disk.CreateNew(path);
        var entry = new SegmentEntry { Segment = old.Segment, Generation = generation, Name = old.Name, IsSealed = true };
        var next = new SegmentFile(disk, old.Segment, generation);
        next.Attach(file);
        try
        {
            var writer = new SegmentWriter(next, file, entry, isNew: true);
            var start = new ByteWriter();
            SegmentStart.Encode(start, config.StoreId, old.Segment, generation, old.Name);
            writer.Append(RecordKind.SegmentStart, SegmentStart.Version, start.Written, default);
            Copy(old, live, isKept, writer);
            CommitExtent extent = writer.AppendTables();
            writer.Flush();
            writer.Sync();
            (entry.TableOffset, entry.HashesOffset, entry.End) = (extent.TableOffset, extent.HashesOffset, writer.Position);
            return entry;
        }
        catch
        {
            try
            {
                disk.Unlink(path);
            }
            catch (SnapException)
            {
                // The first failure counts; a leftover goes when the store is opened next.
            }
            throw;
        }
        finally
        {
            next.Dispose();
        }
    }

    private void Copy(SegmentEntry old, SlotSet live, Func<SnapshotId, bool> isKept, SegmentWriter writer)
    {
        SegmentFile source = slots.Segments.Get(old.Segment, out long? table);
        Dictionary<long, SlotEntry> byOffset = source.AllEntries(table).ToDictionary(entry => entry.Offset);
        var hashes = new List<(uint Slot, ulong Hash)>();
        Span<byte> head = stackalloc byte[RecordFrame.HeaderSize];
        long at = 0;
        while (at < old.End)
        {
            if (source.File().Read(head, at) < head.Length || !RecordFrame.TryPeek(head, out RecordHeader peeked))
                throw source.Damaged(at, "no record begins there");
            bool isSlots = byOffset.TryGetValue(at, out SlotEntry entry);
            ushort mask = isSlots ? live.Among(old.Segment, entry) : (ushort)0;
            if (isSlots ? mask != 0 : peeked.Kind is RecordKind.Commit or RecordKind.Hashes)
            {
                byte[] record = source.ReadRecord(at, peeked.TotalLength, out RecordHeader header);
                CopyRecord(old, header, record.AsSpan(RecordFrame.HeaderSize), entry, mask, isKept, writer, hashes);
            }
            at += peeked.TotalLength;
        }
        foreach ((uint slot, ulong hash) in hashes)
        {
            if (live.Contains(new SlotAddress(old.Segment, slot)))
                writer.AddHash(slot, hash);
        }
    }

    private void CopyRecord(SegmentEntry old, RecordHeader header, ReadOnlySpan<byte> body, SlotEntry entry, ushort live,
        Func<SnapshotId, bool> isKept, SegmentWriter writer, List<(uint Slot, ulong Hash)> hashes)
    {
        try
        {
            switch (header.Kind)
            {
                case RecordKind.Hashes:
                    hashes.AddRange(HashesRecord.Decode(body, out _));
                    break;
                case RecordKind.Commit:
                    SnapshotEntry snapshot = CommitRecord.Decode(body).Entry;
                    if (isKept(snapshot.Info.Id))
                    {
                        var commit = new ByteWriter(body.Length);
                        CommitRecord.EncodeEntry(commit, snapshot);
                        CommitRecord.EncodeExtents(commit, []);
                        writer.Append(RecordKind.Commit, CommitRecord.Version, commit.Written, default);
                    }
                    break;
                case RecordKind.Block when live != entry.Mask:
                    CopyLivePages(old.Segment, entry, live, writer);
                    break;
                default:
                    writer.AppendEntry(header.Kind, header.Version, entry.FirstSlot, entry.Mask, body);
                    break;
            }
        }
        catch (FormatException wrong)
        {
            throw slots.Segments.Get(old.Segment, out _).Damaged(entry.Offset, wrong.Message);
        }
    }

    /// <summary>Encodes a block anew without its dead pages, against the same bases.</summary>
    private void CopyLivePages(uint segment, SlotEntry entry, ushort live, SegmentWriter writer)
    {
        int first = BitOperations.TrailingZeroCount((uint)live);
        uint firstSlot = entry.FirstSlot + (uint)first;
        using DecodedBlock block = slots.ReadBlock(new SlotAddress(segment, firstSlot));
        int count = BitOperations.PopCount((uint)live);
        byte[] pages = new byte[count * PageRange.PageSize];
        byte[] bases = block.Head.HasBase ? new byte[pages.Length] : [];
        BlockBase basis = default;
        int at = 0;
        for (int bit = 0; bit < 16; bit++)
        {
            if ((live & (1 << bit)) == 0)
                continue;
            uint slot = entry.FirstSlot + (uint)bit;
            block.Page(slot).CopyTo(pages.AsSpan(at));
            if (bases.Length > 0)
            {
                SlotAddress page = block.Head.Base.Page(entry.IndexOf(slot));
                slots.ReadPage(page, bases.AsSpan(at, PageRange.PageSize));
                basis = at == 0 ? new BlockBase(page.Segment, page.Slot, 1)
                    : basis with { Mask = (ushort)(basis.Mask | (1 << (int)(page.Slot - basis.FirstSlot))) };
            }
            at += PageRange.PageSize;
        }
        byte[] packed = new byte[pages.Length];
        Span<byte> room = packed.AsSpan(0, pages.Length - (pages.Length / 32));
        BlockEncoding encoding = BlockEncoding.Zstd;
        int length;
        if (bases.Length > 0)
            encoding = DeltaCodec.Encode(pages, bases, room, rules.Level, out length);
        else
            length = Zstd.Compress(pages, default, room, rules.Level);
        BlockHead head = length == 0 ? new BlockHead(BlockEncoding.Raw, count, firstSlot, pages.Length, 0, default)
            : bases.Length == 0 ? new BlockHead(BlockEncoding.Zstd, count, firstSlot, pages.Length, 0, default)
            : new BlockHead(encoding, count, firstSlot, block.Head.DecodedBytes - block.Head.OwnBytes + pages.Length, block.Head.Depth, basis);
        var body = new ByteWriter(length + 64);
        head.Encode(body);
        body.Bytes(length == 0 ? pages : packed.AsSpan(0, length));
        writer.AppendEntry(RecordKind.Block, BlockHead.Version, firstSlot, (ushort)(live >> first), body.Written);
    }
}

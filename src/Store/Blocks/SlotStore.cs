using System.Buffers;
using Snap.Image;
using Snap.Store.Format;
using Snap.Store.Pages;
using Snap.Store.Segments;

namespace Snap.Store.Blocks;

/// <summary>Reads what slots hold: pages, manifests, images. Every byte is checked before it is returned.</summary>
internal sealed class SlotStore(SegmentSet segments, BlockCache cache)
{
    public SegmentSet Segments { get; } = segments;

    public BlockCache Cache { get; } = cache;

    /// <summary>The decoded block that holds a page; the caller disposes it.</summary>
    /// <exception cref="SnapException">Damage, or the disk failed.</exception>
    public DecodedBlock ReadBlock(SlotAddress address)
    {
        SegmentFile file = Locate(address, out SlotEntry entry);
        return ReadBlock(file, entry, BlockHead.MaxDecodedBytes, byte.MaxValue);
    }

    /// <summary>Copies one page.</summary>
    public void ReadPage(SlotAddress address, Span<byte> into)
    {
        using DecodedBlock block = ReadBlock(address);
        block.Page(address.Slot).CopyTo(into);
    }

    public Manifest ReadManifest(SlotAddress address)
    {
        SegmentFile file = Locate(address, out SlotEntry entry);
        byte[] record = ReadRecord(file, entry, RecordKind.Manifest, ManifestRecord.Version);
        try
        {
            return ManifestRecord.Decode(record.AsSpan(RecordFrame.HeaderSize));
        }
        catch (FormatException wrong)
        {
            throw file.Damaged(entry.Offset, $"a manifest: {wrong.Message}");
        }
    }

    /// <summary>Bytes that a manifest takes in its segment.</summary>
    public int StoredLength(SlotAddress address)
    {
        Locate(address, out SlotEntry entry);
        return entry.Length;
    }

    /// <summary>Every page of a snapshot: its last full manifest, and the increments since laid over it.</summary>
    public SortedDictionary<SpaceId, PageMap> ReadMaps(SlotAddress manifest)
    {
        var chain = new Stack<Manifest>();
        Manifest current = ReadManifest(manifest);
        long chainBytes = current.ChainBytes;
        while (!current.IsFull)
        {
            chain.Push(current);
            SlotAddress basis = current.Base;
            current = ReadManifest(basis);
            // Strictly less, or crafted manifests could go in circles.
            if (!current.IsFull && current.ChainBytes >= chainBytes)
                throw StoreErrors.Damaged(Segments.Get(basis.Segment, out _).Description, null, "manifests go in circles");
            chainBytes = current.ChainBytes;
        }
        var maps = new SortedDictionary<SpaceId, PageMap>();
        current.ApplyTo(maps);
        foreach (Manifest increment in chain)
            increment.ApplyTo(maps);
        return maps;
    }

    /// <summary>The kernel state of a snapshot.</summary>
    public byte[] ReadImage(SlotAddress address, int maxDepth = ImageHead.MaxDepth) => ReadImage(address, maxDepth, out _);

    public byte[] ReadImage(SlotAddress address, int maxDepth, out int depth)
    {
        SegmentFile file = Locate(address, out SlotEntry entry);
        byte[] record = ReadRecord(file, entry, RecordKind.Image, ImageHead.Version);
        ImageHead head;
        ReadOnlySpan<byte> payload;
        try
        {
            head = ImageHead.Decode(record.AsSpan(RecordFrame.HeaderSize), out payload);
        }
        catch (FormatException wrong)
        {
            throw file.Damaged(entry.Offset, $"an image: {wrong.Message}");
        }
        depth = head.Depth;
        if (head.Encoding == BlockEncoding.Raw)
            return payload.ToArray();
        if (head.Depth > maxDepth)
            throw file.Damaged(entry.Offset, "an image has too many below it");
        byte[] basis = head.Encoding == BlockEncoding.Delta ? ReadImage(head.Base, head.Depth - 1) : [];
        byte[] image = new byte[head.Length];
        if (!Zstd.TryDecompress(payload, basis, image))
            throw file.Damaged(entry.Offset, "zstd can't decode an image");
        return image;
    }

    /// <summary>Finds the file and the record of a slot.</summary>
    public SegmentFile Locate(SlotAddress address, out SlotEntry entry)
    {
        SegmentFile file = Segments.Get(address.Segment, out long? table);
        if (!file.TryFind(address.Slot, table, out entry))
            throw StoreErrors.Damaged(file.Description, null, $"{address} is in no slot table");
        return file;
    }

    /// <summary>Reads and decodes a block, from the cache if it is there. The caller disposes it.</summary>
    /// <param name="file">Its segment.</param>
    /// <param name="entry">Its record.</param>
    /// <param name="decodeLimit">Bytes that may be decoded for it.</param>
    /// <param name="maxDepth">Blocks that may lie below it; falls with every base, so that crafted blocks can't go in circles.</param>
    public DecodedBlock ReadBlock(SegmentFile file, SlotEntry entry, int decodeLimit, int maxDepth)
    {
        if (Cache.Find(file, entry.Offset) is { } cached)
            return cached;
        byte[] record = ArrayPool<byte>.Shared.Rent(entry.Length);
        try
        {
            BlockHead head = ReadBlockRecord(file, entry, record, decodeLimit, maxDepth, out ReadOnlySpan<byte> payload);
            // Lost to the pool if it can't be decoded, which is rare enough.
            byte[] pages = ArrayPool<byte>.Shared.Rent(head.OwnBytes);
            Decode(file, entry, head, payload, pages.AsSpan(0, head.OwnBytes), keepsBases: true);
            var block = new DecodedBlock(file, entry, head, pages);
            Cache.Add(block);
            return block;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(record);
        }
    }

    /// <summary>Reads all pages of a block to where the caller wants them, past the cache.</summary>
    /// <param name="file">Its segment.</param>
    /// <param name="entry">Its record.</param>
    /// <param name="into">As long as its pages. What it holds after an exception is nothing.</param>
    public void ReadWholeBlock(SegmentFile file, SlotEntry entry, Span<byte> into) =>
        ReadWholeBlock(file, entry, into, BlockHead.MaxDecodedBytes, byte.MaxValue);

    private void ReadWholeBlock(SegmentFile file, SlotEntry entry, Span<byte> into, int decodeLimit, int maxDepth)
    {
        byte[] record = ArrayPool<byte>.Shared.Rent(entry.Length);
        try
        {
            BlockHead head = ReadBlockRecord(file, entry, record, decodeLimit, maxDepth, out ReadOnlySpan<byte> payload);
            Decode(file, entry, head, payload, into, keepsBases: false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(record);
        }
    }

    /// <summary>Decodes a block whose record was read already, past the cache, to see whether it can be.</summary>
    public void CheckBlock(SegmentFile file, SlotEntry entry, byte[] record, RecordHeader header)
    {
        byte[] pages = ArrayPool<byte>.Shared.Rent(entry.Count * PageRange.PageSize);
        try
        {
            BlockHead head = ParseBlock(file, entry, record, header, BlockHead.MaxDecodedBytes, byte.MaxValue, out ReadOnlySpan<byte> payload);
            Decode(file, entry, head, payload, pages.AsSpan(0, entry.Count * PageRange.PageSize), keepsBases: true);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(pages);
        }
    }

    private static BlockHead ReadBlockRecord(SegmentFile file, SlotEntry entry, byte[] record, int decodeLimit, int maxDepth, out ReadOnlySpan<byte> payload)
    {
        file.ReadRecord(entry.Offset, record.AsSpan(0, entry.Length), out RecordHeader header);
        return ParseBlock(file, entry, record, header, decodeLimit, maxDepth, out payload);
    }

    /// <summary>Takes a block's record apart, and checks it against what led to it.</summary>
    private static BlockHead ParseBlock(
        SegmentFile file, SlotEntry entry, byte[] record, RecordHeader header, int decodeLimit, int maxDepth, out ReadOnlySpan<byte> payload)
    {
        CheckKind(file, entry, header, RecordKind.Block, BlockHead.Version);
        BlockHead head;
        try
        {
            head = BlockHead.Decode(record.AsSpan(RecordFrame.HeaderSize, header.BodyLength), out payload);
        }
        catch (FormatException wrong)
        {
            throw file.Damaged(entry.Offset, $"a block: {wrong.Message}");
        }
        if (head.FirstSlot != entry.FirstSlot || head.PageCount != entry.Count || head.DecodedBytes > decodeLimit || head.Depth > maxDepth)
            throw file.Damaged(entry.Offset, "a block isn't what its slot table says");
        return head;
    }

    private void Decode(SegmentFile file, SlotEntry entry, BlockHead head, ReadOnlySpan<byte> payload, Span<byte> pages, bool keepsBases)
    {
        bool isDecoded = true;
        switch (head.Encoding)
        {
            case BlockEncoding.Raw:
                payload.CopyTo(pages);
                break;
            case BlockEncoding.Zstd:
                isDecoded = Zstd.TryDecompress(payload, default, pages);
                break;
            case BlockEncoding.Patch:
                ReadBase(head, pages, keepsBases);
                isDecoded = PagePatch.TryApply(payload, pages);
                break;
            default:
                isDecoded = TryDecodeDelta(head, payload, pages, keepsBases);
                break;
        }
        if (!isDecoded)
            throw file.Damaged(entry.Offset, "a block can't be decoded");
    }

    private bool TryDecodeDelta(BlockHead head, ReadOnlySpan<byte> payload, Span<byte> pages, bool keepsBases)
    {
        byte[] bases = ArrayPool<byte>.Shared.Rent(head.OwnBytes);
        try
        {
            ReadBase(head, bases.AsSpan(0, head.OwnBytes), keepsBases);
            return Zstd.TryDecompress(payload, bases.AsSpan(0, head.OwnBytes), pages);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bases);
        }
    }

    /// <summary>Reads the base pages of a block, one after another.</summary>
    /// <param name="head">The block.</param>
    /// <param name="into">As long as its pages.</param>
    /// <param name="keepsBases">Whether a base that is wanted whole goes into the cache: others may want it too. What is wanted in parts always does.</param>
    private void ReadBase(BlockHead head, Span<byte> into, bool keepsBases)
    {
        SegmentFile file = Locate(new SlotAddress(head.Base.Segment, head.Base.FirstSlot), out SlotEntry entry);
        (int decodeLimit, int maxDepth) = (head.DecodedBytes - head.OwnBytes, head.Depth - 1);
        bool isWhole = head.Base.FirstSlot == entry.FirstSlot && head.Base.Mask == entry.Mask;
        DecodedBlock? cached = Cache.Find(file, entry.Offset);
        if (cached is null && isWhole && !keepsBases)
        {
            ReadWholeBlock(file, entry, into, decodeLimit, maxDepth);
            return;
        }
        using DecodedBlock block = cached ?? ReadBlock(file, entry, decodeLimit, maxDepth);
        if (isWhole)
            block.Pages.CopyTo(into);
        else if (!TryGather(block, head.Base, into))
            throw file.Damaged(entry.Offset, "a base page is missing from its block");
    }

    /// <summary>Copies the pages that <paramref name="wanted"/> names, in order; false if the block lacks one.</summary>
    private static bool TryGather(DecodedBlock block, BlockBase wanted, Span<byte> into)
    {
        for (uint mask = wanted.Mask; mask != 0; mask &= mask - 1)
        {
            uint slot = wanted.FirstSlot + (uint)System.Numerics.BitOperations.TrailingZeroCount(mask);
            if (!block.Entry.Holds(slot))
                return false;
            block.Page(slot).CopyTo(into);
            into = into[PageRange.PageSize..];
        }
        return true;
    }

    private static byte[] ReadRecord(SegmentFile file, SlotEntry entry, RecordKind kind, byte version)
    {
        byte[] record = file.ReadRecord(entry.Offset, entry.Length, out RecordHeader header);
        CheckKind(file, entry, header, kind, version);
        return record;
    }

    private static void CheckKind(SegmentFile file, SlotEntry entry, RecordHeader header, RecordKind kind, byte version)
    {
        if (header.Kind != kind || header.Version != version)
            throw file.Damaged(entry.Offset, $"a record of kind {kind} was expected, not {header.Kind}, version {header.Version}");
    }
}

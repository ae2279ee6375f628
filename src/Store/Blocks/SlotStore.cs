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

    /// <summary>The decoded block that holds a page.</summary>
    /// <exception cref="SnapException">Damage, or the disk failed.</exception>
    public DecodedBlock ReadBlock(SlotAddress address)
    {
        SegmentFile file = Locate(address, out SlotEntry entry);
        return ReadBlock(file, entry, BlockHead.MaxDecodedBytes, byte.MaxValue);
    }

    /// <summary>Copies one page.</summary>
    public void ReadPage(SlotAddress address, Span<byte> into) => ReadBlock(address).Page(address.Slot).CopyTo(into);

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

    /// <summary>Reads and decodes a block, from the cache if it is there.</summary>
    /// <param name="file">Its segment.</param>
    /// <param name="entry">Its record.</param>
    /// <param name="decodeLimit">Bytes that may be decoded for it.</param>
    /// <param name="maxDepth">Blocks that may lie below it; falls with every base, so that crafted blocks can't go in circles.</param>
    public DecodedBlock ReadBlock(SegmentFile file, SlotEntry entry, int decodeLimit, int maxDepth)
    {
        if (Cache.Find(file, entry.Offset) is { } cached)
            return cached;
        byte[] record = ReadRecord(file, entry, RecordKind.Block, BlockHead.Version);
        DecodedBlock block = Decode(file, entry, record.AsSpan(RecordFrame.HeaderSize), decodeLimit, maxDepth);
        Cache.Add(block);
        return block;
    }

    /// <summary>Decodes a block whose record was read and checked already, past the cache.</summary>
    public DecodedBlock DecodeBlock(SegmentFile file, SlotEntry entry, ReadOnlySpan<byte> body) =>
        Decode(file, entry, body, BlockHead.MaxDecodedBytes, byte.MaxValue);

    private DecodedBlock Decode(SegmentFile file, SlotEntry entry, ReadOnlySpan<byte> body, int decodeLimit, int maxDepth)
    {
        BlockHead head;
        ReadOnlySpan<byte> payload;
        try
        {
            head = BlockHead.Decode(body, out payload);
        }
        catch (FormatException wrong)
        {
            throw file.Damaged(entry.Offset, $"a block: {wrong.Message}");
        }
        if (head.FirstSlot != entry.FirstSlot || head.PageCount != entry.Count || head.DecodedBytes > decodeLimit || head.Depth > maxDepth)
            throw file.Damaged(entry.Offset, "a block isn't what its slot table says");
        byte[] pages = GC.AllocateUninitializedArray<byte>(head.OwnBytes);
        bool isDecoded = true;
        switch (head.Encoding)
        {
            case BlockEncoding.Raw:
                payload.CopyTo(pages);
                break;
            case BlockEncoding.Zstd:
                isDecoded = Zstd.TryDecompress(payload, default, pages);
                break;
            default:
                isDecoded = Zstd.TryDecompress(payload, ReadBase(head), pages);
                break;
        }
        if (!isDecoded)
            throw file.Damaged(entry.Offset, "zstd can't decode a block");
        return new DecodedBlock(file, entry, head, pages);
    }

    /// <summary>The base pages of a delta, one after another.</summary>
    private ReadOnlySpan<byte> ReadBase(BlockHead head)
    {
        SegmentFile file = Locate(new SlotAddress(head.Base.Segment, head.Base.FirstSlot), out SlotEntry entry);
        DecodedBlock block = ReadBlock(file, entry, head.DecodedBytes - head.OwnBytes, head.Depth - 1);
        return Gather(block, head.Base) ?? throw file.Damaged(entry.Offset, "a base page is missing from its block");
    }

    /// <summary>The pages that <paramref name="wanted"/> names, in order; null if the block lacks one.</summary>
    public static byte[]? Gather(DecodedBlock block, BlockBase wanted)
    {
        if (wanted.FirstSlot == block.Entry.FirstSlot && wanted.Mask == block.Entry.Mask)
            return block.Pages;
        byte[] pages = new byte[System.Numerics.BitOperations.PopCount(wanted.Mask) * PageRange.PageSize];
        int at = 0;
        for (int bit = 0; bit < 16; bit++)
        {
            if ((wanted.Mask & (1 << bit)) == 0)
                continue;
            uint slot = wanted.FirstSlot + (uint)bit;
            if (!block.Entry.Holds(slot))
                return null;
            block.Page(slot).CopyTo(pages.AsSpan(at));
            at += PageRange.PageSize;
        }
        return pages;
    }

    private static byte[] ReadRecord(SegmentFile file, SlotEntry entry, RecordKind kind, byte version)
    {
        byte[] record = file.ReadRecord(entry.Offset, entry.Length, out RecordHeader header);
        if (header.Kind != kind || header.Version != version)
            throw file.Damaged(entry.Offset, $"a record of kind {kind} was expected, not {header.Kind}, version {header.Version}");
        return record;
    }
}

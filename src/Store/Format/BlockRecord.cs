// Body of a block, which holds 1 to 16 pages:
//   0  u8      (encoding << 4) | (pages - 1); encoding 0 raw, 1 zstd, 2 zstd with base pages as prefix, 3 a patch of base pages (PagePatch.cs)
//   1  varint  first slot, as its slot table says too
//   .  only encodings 2 and 3:
//      varint  bytes that have to be decoded to read one page of it: its own and those of every base below
//      u8      depth: blocks below it (1 = its base is no delta)
//      varint  segment of the base pages
//      varint  slot of the first base page
//      u16     mask of the base pages from it on (bit 0 set); they lie in one block, and the n-th is the n-th page's base
//   .  payload: the pages one after another, encoded. zstd frames are magicless, without content size, dictionary id and checksum.
// Body of an image (the opaque kernel state of a snapshot), which takes one slot:
//   0  u8      encoding, as above
//   1  varint  length decoded
//   .  only encoding 2: varint depth (images below it), varint segment, varint slot of the base image
//   .  payload
using Snap.Image;

namespace Snap.Store.Format;

/// <summary>How a payload is encoded.</summary>
internal enum BlockEncoding : byte
{
    Raw = 0,
    Zstd = 1,
    Delta = 2,
    Patch = 3,
}

/// <summary>The base pages of a delta block: slots of one block.</summary>
internal readonly record struct BlockBase(uint Segment, uint FirstSlot, ushort Mask)
{
    /// <summary>The n-th base page.</summary>
    public SlotAddress Page(int index)
    {
        uint mask = Mask;
        for (; index > 0; index--)
            mask &= mask - 1;
        return new SlotAddress(Segment, FirstSlot + (uint)System.Numerics.BitOperations.TrailingZeroCount(mask));
    }
}

/// <summary>A block's head, decoded; the payload follows it.</summary>
internal readonly record struct BlockHead(BlockEncoding Encoding, int PageCount, uint FirstSlot, int DecodedBytes, int Depth, BlockBase Base)
{
    public const byte Version = 1;

    /// <summary>Pages of the largest block.</summary>
    public const int MaxPages = 16;

    /// <summary>Bytes that a reader may have to decode to get one page.</summary>
    public const int MaxDecodedBytes = 1 << 20;

    /// <summary>True if its pages are stored as a difference from others.</summary>
    public bool HasBase => Encoding is BlockEncoding.Delta or BlockEncoding.Patch;

    /// <summary>Bytes of the block's own pages.</summary>
    public int OwnBytes => PageCount * PageRange.PageSize;

    public void Encode(ByteWriter to)
    {
        to.Byte((byte)(((int)Encoding << 4) | (PageCount - 1)));
        to.Varint(FirstSlot);
        if (!HasBase)
            return;
        to.Varint((ulong)DecodedBytes);
        to.Byte((byte)Depth);
        to.Varint(Base.Segment);
        to.Varint(Base.FirstSlot);
        to.U16(Base.Mask);
    }

    /// <summary>Decodes the head alone, from the first bytes of a body.</summary>
    public static bool TryDecodeHead(ReadOnlySpan<byte> start, out BlockHead head)
    {
        try
        {
            head = Decode(start, out _, isWhole: false);
            return true;
        }
        catch (FormatException)
        {
            head = default;
            return false;
        }
    }

    /// <exception cref="FormatException">The bytes are no block.</exception>
    public static BlockHead Decode(ReadOnlySpan<byte> body, out ReadOnlySpan<byte> payload, bool isWhole = true)
    {
        var reader = new ByteReader(body);
        byte first = reader.Byte();
        var encoding = (BlockEncoding)(first >> 4);
        int pages = (first & 15) + 1;
        uint slot = reader.Varint32();
        int decoded = pages * PageRange.PageSize;
        int depth = 0;
        BlockBase basis = default;
        if (encoding is BlockEncoding.Delta or BlockEncoding.Patch)
        {
            decoded = (int)reader.Varint(MaxDecodedBytes);
            depth = reader.Byte();
            basis = new BlockBase(reader.Varint32(), reader.Varint32(), reader.U16());
            if (basis.Segment == 0 || (basis.Mask & 1) == 0 || System.Numerics.BitOperations.PopCount(basis.Mask) != pages
                || depth == 0 || decoded <= pages * PageRange.PageSize)
                throw new FormatException("a block's base is out of bounds");
        }
        else if (encoding > BlockEncoding.Patch)
        {
            throw new FormatException($"the block encoding {(int)encoding} is unknown");
        }
        payload = body[reader.Position..];
        if (isWhole && encoding == BlockEncoding.Raw && payload.Length != pages * PageRange.PageSize)
            throw new FormatException("a raw block has the wrong length");
        return new BlockHead(encoding, pages, slot, decoded, depth, basis);
    }
}

/// <summary>An image's head, decoded; the payload follows it.</summary>
internal readonly record struct ImageHead(BlockEncoding Encoding, int Length, int Depth, SlotAddress Base)
{
    public const byte Version = 1;

    /// <summary>Longest image, decoded.</summary>
    public const int MaxLength = 48 << 20;

    /// <summary>Most images that lie below one.</summary>
    public const int MaxDepth = 16;

    public void Encode(ByteWriter to)
    {
        to.Byte((byte)Encoding);
        to.Varint((ulong)Length);
        if (Encoding != BlockEncoding.Delta)
            return;
        to.Varint((ulong)Depth);
        to.Varint(Base.Segment);
        to.Varint(Base.Slot);
    }

    /// <exception cref="FormatException">The bytes are no image.</exception>
    public static ImageHead Decode(ReadOnlySpan<byte> body, out ReadOnlySpan<byte> payload)
    {
        var reader = new ByteReader(body);
        var encoding = (BlockEncoding)reader.Byte();
        int length = (int)reader.Varint(MaxLength);
        int depth = 0;
        SlotAddress basis = SlotAddress.None;
        if (encoding == BlockEncoding.Delta)
        {
            depth = (int)reader.Varint(MaxDepth);
            basis = new SlotAddress(reader.Varint32(), reader.Varint32());
            if (depth == 0 || basis.Segment == 0)
                throw new FormatException("an image's base is out of bounds");
        }
        else if (encoding > BlockEncoding.Delta)
        {
            throw new FormatException($"the image encoding {(int)encoding} is unknown");
        }
        payload = body[reader.Position..];
        if (encoding == BlockEncoding.Raw && payload.Length != length)
            throw new FormatException("a raw image has the wrong length");
        return new ImageHead(encoding, length, depth, basis);
    }
}

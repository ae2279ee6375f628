// Body of the first record of a segment, at offset 0:
//   0  16   store id
//  16  u32  segment
//  20  u32  generation
//  24  text name that it holds snapshots of
namespace Snap.Store.Format;

/// <summary>The codec of a segment's first record.</summary>
internal static class SegmentStart
{
    public const byte Version = 1;

    public static void Encode(ByteWriter to, UInt128 storeId, uint segment, uint generation, string name)
    {
        to.U64((ulong)storeId);
        to.U64((ulong)(storeId >> 64));
        to.U32(segment);
        to.U32(generation);
        to.Text(name);
    }

    /// <summary>The id of the store that a segment belongs to.</summary>
    public static bool TryReadStoreId(ReadOnlySpan<byte> body, out UInt128 storeId)
    {
        storeId = default;
        if (body.Length < 24)
            return false;
        var reader = new ByteReader(body);
        ulong low = reader.U64();
        storeId = new UInt128(reader.U64(), low);
        return true;
    }

    public static string Decode(ReadOnlySpan<byte> body, UInt128 storeId, uint segment, uint generation)
    {
        var reader = new ByteReader(body);
        ulong low = reader.U64();
        var id = new UInt128(reader.U64(), low);
        if (id != storeId)
            throw new FormatException("the segment belongs to another store");
        if (reader.U32() != segment || reader.U32() != generation)
            throw new FormatException("the segment's file was renamed");
        string name = string.Intern(reader.Text());
        if (!Names.IsValid(name))
            throw new FormatException("the segment's name is out of bounds");
        reader.End();
        return name;
    }
}

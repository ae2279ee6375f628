// Layout of a record, little-endian:
//   0  u8   kind
//   1  u8   version of the kind's body
//   2  u16  key id (0 = not encrypted; no other is defined yet)
//   4  u32  stored length of the body
//   8  u64  XXH3-64 of bytes 0..8 and the body, seeded by the record's place
//  16  ...  body
// The seed binds a record to its file and offset: old bytes of a reused disk block, or a record at the wrong place, never verify.
using System.Buffers.Binary;
using System.IO.Hashing;

namespace Snap.Store.Format;

/// <summary>Where a record lies: the file (segment and generation; segment 0 is the catalog) and the offset in it.</summary>
internal readonly record struct RecordPlace(uint Segment, uint Generation, long Offset)
{
    /// <summary>The checksum's seed. Odd multipliers keep different places apart; it need not be secret.</summary>
    public long Seed => unchecked((Offset * (long)0x9E3779B97F4A7C15) ^ (Segment * (long)0xC2B2AE3D27D4EB4F) ^ (Generation * 0x165667B19E3779F9));
}

/// <summary>A record's header, checked.</summary>
internal readonly record struct RecordHeader(RecordKind Kind, byte Version, ushort KeyId, int BodyLength, ulong Checksum)
{
    public int TotalLength => RecordFrame.HeaderSize + BodyLength;
}

/// <summary>Writes and checks the frame round every stored body.</summary>
internal static class RecordFrame
{
    public const int KindOffset = 0;
    public const int VersionOffset = KindOffset + 1;
    public const int KeyIdOffset = VersionOffset + 1;
    public const int LengthOffset = KeyIdOffset + 2;
    public const int ChecksumOffset = LengthOffset + 4;
    public const int HeaderSize = ChecksumOffset + 8;

    /// <summary>No body is longer; bounds what a damaged length can make a reader allocate.</summary>
    public const int MaxBodyLength = 64 << 20;

    /// <summary>Writes the header of a record whose body already lies behind it.</summary>
    /// <returns>The checksum.</returns>
    public static ulong Seal(Span<byte> record, RecordKind kind, byte version, RecordPlace place)
    {
        record[KindOffset] = (byte)kind;
        record[VersionOffset] = version;
        BinaryPrimitives.WriteUInt16LittleEndian(record[KeyIdOffset..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(record[LengthOffset..], (uint)(record.Length - HeaderSize));
        ulong checksum = Checksum(record, place);
        BinaryPrimitives.WriteUInt64LittleEndian(record[ChecksumOffset..], checksum);
        return checksum;
    }

    /// <summary>Reads a header without checking its checksum; false if no record can begin with these bytes.</summary>
    public static bool TryPeek(ReadOnlySpan<byte> bytes, out RecordHeader header)
    {
        header = default;
        if (bytes.Length < HeaderSize)
            return false;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[LengthOffset..]);
        if (bytes[KindOffset] == 0 || length > MaxBodyLength)
            return false;
        header = new RecordHeader((RecordKind)bytes[KindOffset], bytes[VersionOffset],
            BinaryPrimitives.ReadUInt16LittleEndian(bytes[KeyIdOffset..]), (int)length,
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[ChecksumOffset..]));
        return true;
    }

    /// <summary>Checks the record at the start of <paramref name="bytes"/>.</summary>
    /// <returns>False if it isn't whole and unharmed.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, RecordPlace place, out RecordHeader header, out ReadOnlySpan<byte> body)
    {
        body = default;
        if (!TryPeek(bytes, out header) || bytes.Length < header.TotalLength)
            return false;
        ReadOnlySpan<byte> record = bytes[..header.TotalLength];
        if (Checksum(record, place) != header.Checksum || header.KeyId != 0)
            return false;
        body = record[HeaderSize..];
        return true;
    }

    private static ulong Checksum(ReadOnlySpan<byte> record, RecordPlace place)
    {
        // The eight header bytes go into the seed: one pass over the body, no copy, no streaming state.
        ulong header = BinaryPrimitives.ReadUInt64LittleEndian(record);
        long seed = unchecked((long)(header * 0xFF51AFD7ED558CCD) ^ place.Seed);
        return XxHash3.HashToUInt64(record[HeaderSize..], seed);
    }
}

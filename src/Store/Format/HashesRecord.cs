// Body of a record of hashes, from which the index is rebuilt (hashes lie inside bodies only, so that an encrypted store shows none):
//   varint  offset of the record of hashes before in this segment, plus 1; 0 = none
//   varint  entries; each: varint slot - (slot before + 1), u64 hash
// The hash is the low half of XxHash128 of the page, seeded with the store's secret.
namespace Snap.Store.Format;

/// <summary>The codec of records of hashes.</summary>
internal static class HashesRecord
{
    public const byte Version = 1;

    public static void Encode(ByteWriter to, long? previous, IReadOnlyList<(uint Slot, ulong Hash)> entries)
    {
        to.Varint(previous is { } offset ? (ulong)offset + 1 : 0);
        to.Varint((ulong)entries.Count);
        uint expected = 0;
        foreach ((uint slot, ulong hash) in entries)
        {
            to.Varint(slot - expected);
            to.U64(hash);
            expected = slot + 1;
        }
    }

    public static List<(uint Slot, ulong Hash)> Decode(ReadOnlySpan<byte> body, out long? previous)
    {
        var reader = new ByteReader(body);
        ulong before = reader.Varint(long.MaxValue / 4);
        previous = before == 0 ? null : (long)before - 1;
        int count = reader.Count(9);
        var entries = new List<(uint, ulong)>(count);
        ulong expected = 0;
        for (int i = 0; i < count; i++)
        {
            ulong slot = expected + reader.Varint(uint.MaxValue);
            if (slot >= uint.MaxValue)
                throw new FormatException("a slot number is too large");
            entries.Add(((uint)slot, reader.U64()));
            expected = slot + 1;
        }
        reader.End();
        return entries;
    }
}

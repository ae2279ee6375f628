// Body of a slot table, which tells where the slots of a segment's generation lie:
//   varint  offset of the table that this one adds to, plus 1; 0 = this table is the whole
//   varint  number of entries; each, in ascending order of slots:
//     varint  (slots skipped since the end of the entry before << 5) | (irregular << 4) | (pages - 1)
//     u16     only if irregular: which slots from the first on are in the record (bit 0 set); pages is then that of the highest bit
//     varint  (length of the record << 1) | gap follows
//     varint  only if a gap follows: bytes between the end of the record before and this one, zigzag
using System.Numerics;

namespace Snap.Store.Format;

/// <summary>One record that holds slots: a block of pages, a manifest, an image.</summary>
/// <param name="FirstSlot">Its first slot.</param>
/// <param name="Mask">Bit i: slot FirstSlot + i is in the record. Bit 0 is always set.</param>
/// <param name="Offset">Where the record begins in the file.</param>
/// <param name="Length">Bytes of the record, header included.</param>
internal readonly record struct SlotEntry(uint FirstSlot, ushort Mask, long Offset, int Length)
{
    /// <summary>Slots from the first to the last one held, both included.</summary>
    public int Span => 16 - BitOperations.LeadingZeroCount((uint)Mask << 16);

    /// <summary>Pages in the record.</summary>
    public int Count => BitOperations.PopCount(Mask);

    public bool Holds(uint slot) => slot - FirstSlot < 16 && (Mask & (1 << (int)(slot - FirstSlot))) != 0;

    /// <summary>Which page of the record a slot is.</summary>
    public int IndexOf(uint slot) => BitOperations.PopCount(Mask & ((1u << (int)(slot - FirstSlot)) - 1));
}

/// <summary>The codec of slot tables.</summary>
internal static class SlotTable
{
    public const byte Version = 1;

    public static void Encode(ByteWriter to, long? previousTable, ReadOnlySpan<SlotEntry> entries)
    {
        to.Varint(previousTable is { } previous ? (ulong)previous + 1 : 0);
        to.Varint((ulong)entries.Length);
        uint expectedSlot = 0;
        long expectedOffset = 0;
        foreach (SlotEntry entry in entries)
        {
            int span = entry.Span;
            bool irregular = entry.Count != span;
            to.Varint(((ulong)(entry.FirstSlot - expectedSlot) << 5) | (irregular ? 16u : 0) | (uint)(span - 1));
            if (irregular)
                to.U16(entry.Mask);
            long gap = entry.Offset - expectedOffset;
            to.Varint(((ulong)entry.Length << 1) | (gap != 0 ? 1u : 0));
            if (gap != 0)
                to.Varint((ulong)((gap << 1) ^ (gap >> 63)));
            expectedSlot = entry.FirstSlot + (uint)span;
            expectedOffset = entry.Offset + entry.Length;
        }
    }

    /// <summary>Decodes a table; entries come out in ascending order of slots, none overlapping.</summary>
    /// <exception cref="FormatException">The bytes are no table.</exception>
    public static List<SlotEntry> Decode(ReadOnlySpan<byte> body, out long? previousTable)
    {
        var reader = new ByteReader(body);
        ulong previous = reader.Varint(long.MaxValue);
        previousTable = previous == 0 ? null : (long)previous - 1;
        int count = reader.Count(2);
        var entries = new List<SlotEntry>(count);
        ulong expectedSlot = 0;
        long expectedOffset = 0;
        for (int i = 0; i < count; i++)
        {
            ulong head = reader.Varint(ulong.MaxValue >> 1);
            ulong first = expectedSlot + (head >> 5);
            int span = (int)(head & 15) + 1;
            ushort mask = (ushort)((1 << span) - 1);
            if ((head & 16) != 0)
            {
                ushort stored = reader.U16();
                if (stored > mask || stored == mask || (stored & 1) == 0 || (stored & (1 << (span - 1))) == 0)
                    throw new FormatException("a mask doesn't fit its entry");
                mask = stored;
            }
            if (first + (ulong)span > uint.MaxValue)
                throw new FormatException("a slot number is too large");
            ulong size = reader.Varint();
            ulong length = size >> 1;
            if (length is < RecordFrame.HeaderSize or > RecordFrame.HeaderSize + RecordFrame.MaxBodyLength)
                throw new FormatException("a record's length is out of bounds");
            long gap = 0;
            if ((size & 1) != 0)
            {
                ulong zigzag = reader.Varint();
                gap = (long)(zigzag >> 1) ^ -(long)(zigzag & 1);
                if (gap == 0)
                    throw new FormatException("a gap of no bytes");
            }
            long offset = expectedOffset + gap;
            if (offset < 0 || offset > long.MaxValue / 2)
                throw new FormatException("a record's offset is out of bounds");
            entries.Add(new SlotEntry((uint)first, mask, offset, (int)length));
            expectedSlot = first + (ulong)span;
            expectedOffset = offset + (long)length;
        }
        reader.End();
        return entries;
    }
}

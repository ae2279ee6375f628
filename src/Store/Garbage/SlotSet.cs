using System.Numerics;

namespace Snap.Store.Garbage;

/// <summary>A set of slots, by segment.</summary>
internal sealed class SlotSet
{
    private readonly Dictionary<uint, ulong[]> _segments = [];

    /// <summary>True if it wasn't in the set.</summary>
    public bool Add(SlotAddress address)
    {
        int word = (int)(address.Slot >> 6);
        if (!_segments.TryGetValue(address.Segment, out ulong[]? bits))
            _segments[address.Segment] = bits = new ulong[Math.Max(16, word + 1)];
        if (word >= bits.Length)
        {
            Array.Resize(ref bits, Math.Max(bits.Length * 2, word + 1));
            _segments[address.Segment] = bits;
        }
        ulong bit = 1ul << (int)(address.Slot & 63);
        if ((bits[word] & bit) != 0)
            return false;
        bits[word] |= bit;
        return true;
    }

    public bool Contains(SlotAddress address) =>
        _segments.TryGetValue(address.Segment, out ulong[]? bits) && (address.Slot >> 6) < bits.Length
        && (bits[address.Slot >> 6] & (1ul << (int)(address.Slot & 63))) != 0;

    /// <summary>Which of a record's slots are in the set, as a mask like its own.</summary>
    public ushort Among(uint segment, Format.SlotEntry entry)
    {
        uint mask = entry.Mask;
        ushort live = 0;
        while (mask != 0)
        {
            int bit = BitOperations.TrailingZeroCount(mask);
            mask &= mask - 1;
            if (Contains(new SlotAddress(segment, entry.FirstSlot + (uint)bit)))
                live |= (ushort)(1 << bit);
        }
        return live;
    }
}

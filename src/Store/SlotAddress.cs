using System.Globalization;

namespace Snap.Store;

/// <summary>Where a stored thing is for ever: a segment and a slot in it. Generations of the segment move it, its address stays.</summary>
/// <remarks>Segment 0 doesn't exist; its addresses are <see cref="None"/> and the marks of <see cref="Pages.PageMap"/>.</remarks>
internal readonly record struct SlotAddress(ulong Value)
{
    public SlotAddress(uint segment, uint slot) : this(((ulong)segment << 32) | slot)
    {
    }

    public static SlotAddress None => default;

    public uint Segment => (uint)(Value >> 32);

    public uint Slot => (uint)Value;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"slot {Segment:x}/{Slot}");
}

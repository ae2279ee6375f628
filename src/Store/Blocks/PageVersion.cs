using Snap.Store.Format;

namespace Snap.Store.Blocks;

/// <summary>A stored page's bytes, with what the choice of a delta's base needs to know of its block.</summary>
/// <param name="Address">The page.</param>
/// <param name="Bytes">Its bytes; they stay until the <see cref="PagePins"/> that they were found with are cleared.</param>
/// <param name="BlockFirstSlot">First slot of its block; blocks are told apart by it and the segment.</param>
/// <param name="Index">Which page of the block it is.</param>
/// <param name="Head">The block's head.</param>
/// <param name="StoredBytes">Bytes that the block takes on the disk, a page.</param>
internal sealed record PageVersion(SlotAddress Address, ReadOnlyMemory<byte> Bytes, uint BlockFirstSlot, int Index, BlockHead Head, int StoredBytes)
{
    /// <summary>True if the other lies in the same block.</summary>
    public bool SharesBlock(PageVersion other) => Address.Segment == other.Address.Segment && BlockFirstSlot == other.BlockFirstSlot;

    /// <summary>What the page is, without its bytes: may be kept.</summary>
    public PageVersion WithoutBytes() => this with { Bytes = default };

    public static PageVersion Of(DecodedBlock block, SlotAddress address) =>
        new(address, block.PageMemory(address.Slot), block.Entry.FirstSlot, block.Entry.IndexOf(address.Slot), block.Head, block.Entry.Length / block.Entry.Count);
}

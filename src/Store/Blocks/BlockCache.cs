using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Store.Blocks;

/// <summary>A decoded block.</summary>
internal sealed class DecodedBlock(SegmentFile file, SlotEntry entry, BlockHead head, byte[] pages)
{
    public SegmentFile File { get; } = file;

    public SlotEntry Entry { get; } = entry;

    public BlockHead Head { get; } = head;

    /// <summary>Its pages, one after another.</summary>
    public byte[] Pages { get; } = pages;

    public bool Holds(SlotAddress address) => address.Segment == File.Segment && Entry.Holds(address.Slot);

    public ReadOnlySpan<byte> Page(uint slot) => Pages.AsSpan(Entry.IndexOf(slot) * Image.PageRange.PageSize, Image.PageRange.PageSize);
}

/// <summary>Decoded blocks, the least recently used dropped first; safe from several threads.</summary>
internal sealed class BlockCache(long budgetBytes)
{
    private readonly Dictionary<(SegmentFile, long), LinkedListNode<DecodedBlock>> _blocks = [];
    private readonly LinkedList<DecodedBlock> _byUse = new();
    private readonly Lock _gate = new();
    private long _bytes;

    public DecodedBlock? Find(SegmentFile file, long offset)
    {
        lock (_gate)
        {
            if (!_blocks.TryGetValue((file, offset), out LinkedListNode<DecodedBlock>? node))
                return null;
            if (node != _byUse.First)
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }
            return node.Value;
        }
    }

    public void Add(DecodedBlock block)
    {
        lock (_gate)
        {
            if (!_blocks.TryAdd((block.File, block.Entry.Offset), new LinkedListNode<DecodedBlock>(block)))
                return;
            _byUse.AddFirst(_blocks[(block.File, block.Entry.Offset)]);
            _bytes += block.Pages.Length;
            while (_bytes > budgetBytes && _byUse.Last is { } last && last != _byUse.First)
            {
                _byUse.RemoveLast();
                _blocks.Remove((last.Value.File, last.Value.Entry.Offset));
                _bytes -= last.Value.Pages.Length;
            }
        }
    }

    /// <summary>Drops the blocks of a file from an offset on: they were cut off.</summary>
    public void Forget(SegmentFile file, long fromOffset)
    {
        lock (_gate)
        {
            foreach (LinkedListNode<DecodedBlock> node in _blocks.Values.Where(node => node.Value.File == file && node.Value.Entry.Offset >= fromOffset).ToArray())
            {
                _byUse.Remove(node);
                _blocks.Remove((file, node.Value.Entry.Offset));
                _bytes -= node.Value.Pages.Length;
            }
        }
    }
}

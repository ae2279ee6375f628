using System.Buffers;
using Snap.Image;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Store.Blocks;

/// <summary>A decoded block. Whoever gets one disposes it: its buffer is used again once nobody holds it.</summary>
/// <remarks>Blocks come and go by the gigabyte; left to the garbage collector they cost more than their decoding.</remarks>
internal sealed class DecodedBlock : IDisposable
{
    private byte[]? _buffer;
    private int _holders = 1;

    /// <param name="file">Its segment.</param>
    /// <param name="entry">Its record.</param>
    /// <param name="head">Its head.</param>
    /// <param name="buffer">From <see cref="ArrayPool{T}.Shared"/>, at least as long as its pages; the block's from now on.</param>
    public DecodedBlock(SegmentFile file, SlotEntry entry, BlockHead head, byte[] buffer)
    {
        Invariant.Holds(buffer.Length >= head.OwnBytes);
        (File, Entry, Head, _buffer) = (file, entry, head, buffer);
    }

    public SegmentFile File { get; }

    public SlotEntry Entry { get; }

    public BlockHead Head { get; }

    /// <summary>Its pages, one after another; valid as long as the block is held.</summary>
    public ReadOnlySpan<byte> Pages => Buffer.AsSpan(0, Head.OwnBytes);

    /// <summary>Bytes of memory that it takes.</summary>
    public int BufferBytes => Buffer.Length;

    private byte[] Buffer => _buffer ?? throw new ObjectDisposedException(nameof(DecodedBlock));

    public bool Holds(SlotAddress address) => address.Segment == File.Segment && Entry.Holds(address.Slot);

    public ReadOnlySpan<byte> Page(uint slot) => PageMemory(slot).Span;

    /// <summary>One page; valid as long as the block is held.</summary>
    public ReadOnlyMemory<byte> PageMemory(uint slot) => Buffer.AsMemory(Entry.IndexOf(slot) * PageRange.PageSize, PageRange.PageSize);

    /// <summary>One more holder; only for who knows that there is one.</summary>
    public DecodedBlock Hold()
    {
        Invariant.Holds(Interlocked.Increment(ref _holders) > 1);
        return this;
    }

    public void Dispose()
    {
        int left = Interlocked.Decrement(ref _holders);
        Invariant.Holds(left >= 0);
        if (left == 0 && Interlocked.Exchange(ref _buffer, null) is { } buffer)
            ArrayPool<byte>.Shared.Return(buffer);
    }
}

/// <summary>Decoded blocks, the least recently used dropped first; safe from several threads.</summary>
internal sealed class BlockCache(long budgetBytes)
{
    private readonly Dictionary<(SegmentFile, long), LinkedListNode<DecodedBlock>> _blocks = [];
    private readonly LinkedList<DecodedBlock> _byUse = new();
    private readonly Lock _gate = new();
    private long _bytes;

    /// <summary>The block, held for the caller.</summary>
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
            return node.Value.Hold();
        }
    }

    /// <summary>Holds a block until others push it out; the caller holds it too.</summary>
    public void Add(DecodedBlock block)
    {
        lock (_gate)
        {
            var node = new LinkedListNode<DecodedBlock>(block);
            if (!_blocks.TryAdd((block.File, block.Entry.Offset), node))
                return;
            block.Hold();
            _byUse.AddFirst(node);
            _bytes += block.BufferBytes;
            while (_bytes > budgetBytes && _byUse.Last is { } last && last != node)
                Remove(last);
        }
    }

    /// <summary>Drops the blocks of a file from an offset on: they were cut off.</summary>
    public void Forget(SegmentFile file, long fromOffset)
    {
        lock (_gate)
        {
            foreach (LinkedListNode<DecodedBlock> node in _blocks.Values.Where(node => node.Value.File == file && node.Value.Entry.Offset >= fromOffset).ToArray())
                Remove(node);
        }
    }

    private void Remove(LinkedListNode<DecodedBlock> node)
    {
        DecodedBlock block = node.Value;
        _byUse.Remove(node);
        _blocks.Remove((block.File, block.Entry.Offset));
        _bytes -= block.BufferBytes;
        block.Dispose();
    }
}

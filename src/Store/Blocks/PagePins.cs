using Snap.Image;

namespace Snap.Store.Blocks;

/// <summary>Holds the bytes of the pages that were found for one step of work, until that is done. Used by one thread.</summary>
internal sealed class PagePins : IDisposable
{
    private readonly List<DecodedBlock> _blocks = [];
    private readonly List<byte[]> _copies = [];
    private int _copiesUsed;

    /// <summary>Holds a block that the caller holds, in its stead.</summary>
    public void Hold(DecodedBlock block)
    {
        // Neighbours come from one block.
        if (_blocks.Count > 0 && _blocks[^1] == block)
            block.Dispose();
        else
            _blocks.Add(block);
    }

    /// <summary>Room for one page.</summary>
    public Memory<byte> Room()
    {
        if (_copiesUsed == _copies.Count)
            _copies.Add(new byte[PageRange.PageSize]);
        return _copies[_copiesUsed++];
    }

    /// <summary>The step is done: no page that was found with these pins may be looked at any more.</summary>
    public void Clear()
    {
        foreach (DecodedBlock block in _blocks)
            block.Dispose();
        _blocks.Clear();
        _copiesUsed = 0;
    }

    public void Dispose() => Clear();
}

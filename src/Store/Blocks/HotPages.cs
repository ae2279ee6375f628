namespace Snap.Store.Blocks;

/// <summary>The last versions of pages that change again and again, and their bases: comparing with them needs no decoding.</summary>
/// <remarks>Holds pages of durable commits, and of the commit being written (which forgets them if it is given up). Safe from several threads.</remarks>
internal sealed class HotPages(long budgetBytes)
{
    private readonly int _capacity = (int)(budgetBytes / (Image.PageRange.PageSize + 200));
    private readonly Dictionary<SlotAddress, LinkedListNode<PageVersion>> _pages = [];
    private readonly LinkedList<PageVersion> _byUse = new();
    private readonly Lock _gate = new();

    public PageVersion? Find(SlotAddress address)
    {
        lock (_gate)
        {
            if (!_pages.TryGetValue(address, out LinkedListNode<PageVersion>? node))
                return null;
            if (node != _byUse.First)
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }
            return node.Value;
        }
    }

    /// <summary>Adds a page; its bytes are copied if they are a part of something larger.</summary>
    public void Add(PageVersion page)
    {
        lock (_gate)
        {
            if (_pages.ContainsKey(page.Address) || _capacity == 0)
                return;
            while (_pages.Count >= _capacity)
            {
                _pages.Remove(_byUse.Last!.Value.Address);
                _byUse.RemoveLast();
            }
            if (!IsWhole(page.Bytes))
                page = page with { Bytes = page.Bytes.ToArray() };
            _pages.Add(page.Address, _byUse.AddFirst(page));
        }
    }

    /// <summary>Forgets a page: it was replaced by its next version, or its commit was given up.</summary>
    public void Remove(SlotAddress address)
    {
        lock (_gate)
        {
            if (_pages.Remove(address, out LinkedListNode<PageVersion>? node))
                _byUse.Remove(node);
        }
    }

    /// <summary>Forgets pages that gc is about to remove.</summary>
    public void RemoveWhere(Predicate<SlotAddress> isGone)
    {
        lock (_gate)
        {
            foreach (SlotAddress address in _pages.Keys.Where(address => isGone(address)).ToArray())
                Remove(address);
        }
    }

    private static bool IsWhole(ReadOnlyMemory<byte> bytes) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> array) && array.Array!.Length == bytes.Length;
}

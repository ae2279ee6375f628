using Snap.Image;

namespace Snap.Store.Blocks;

/// <summary>The last versions of pages that change again and again, and their bases: comparing with them needs no decoding.</summary>
/// <remarks>Holds pages of durable commits, and of the commit being written (which forgets them if it is given up). Safe from several
/// threads: pages are copied in and out. Memory is taken as it is needed, in slabs that are never given back or moved.</remarks>
internal sealed class HotPages(long budgetBytes)
{
    private const int SlabPages = 256;
    private readonly int _capacity = (int)(budgetBytes / (PageRange.PageSize + 200));
    private readonly Dictionary<SlotAddress, LinkedListNode<Place>> _pages = [];
    private readonly LinkedList<Place> _byUse = new();
    private readonly Stack<LinkedListNode<Place>> _free = new();
    private readonly Lock _gate = new();
    private byte[] _slab = [];
    private int _slabUsed;

    /// <summary>Copies a page, if it is there.</summary>
    public PageVersion? Find(SlotAddress address, PagePins pins)
    {
        lock (_gate)
        {
            if (!_pages.TryGetValue(address, out LinkedListNode<Place>? node))
                return null;
            if (node != _byUse.First)
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }
            Memory<byte> room = pins.Room();
            node.Value.Bytes.CopyTo(room);
            return node.Value.Page! with { Bytes = room };
        }
    }

    /// <summary>Adds a page.</summary>
    public void Add(PageVersion page)
    {
        lock (_gate)
        {
            if (_capacity == 0 || _pages.ContainsKey(page.Address))
                return;
            LinkedListNode<Place> node = Take();
            page.Bytes.CopyTo(node.Value.Bytes);
            node.Value.Page = page.WithoutBytes();
            _byUse.AddFirst(node);
            _pages.Add(page.Address, node);
        }
    }

    /// <summary>Forgets a page: it was replaced by its next version, or its commit was given up.</summary>
    public void Remove(SlotAddress address)
    {
        lock (_gate)
        {
            if (!_pages.Remove(address, out LinkedListNode<Place>? node))
                return;
            _byUse.Remove(node);
            _free.Push(node);
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

    /// <summary>A place for a page: one that is free, a new one, or the least recently used.</summary>
    private LinkedListNode<Place> Take()
    {
        if (_free.TryPop(out LinkedListNode<Place>? free))
            return free;
        if (_pages.Count >= _capacity)
        {
            LinkedListNode<Place> oldest = _byUse.Last!;
            _byUse.RemoveLast();
            _pages.Remove(oldest.Value.Page!.Address);
            return oldest;
        }
        if (_slabUsed * PageRange.PageSize == _slab.Length)
            (_slab, _slabUsed) = (GC.AllocateUninitializedArray<byte>(SlabPages * PageRange.PageSize), 0);
        return new LinkedListNode<Place>(new Place(_slab.AsMemory(_slabUsed++ * PageRange.PageSize, PageRange.PageSize)));
    }

    private sealed class Place(Memory<byte> bytes)
    {
        public Memory<byte> Bytes { get; } = bytes;

        public PageVersion? Page { get; set; }
    }
}

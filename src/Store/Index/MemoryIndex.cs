namespace Snap.Store.Index;

/// <summary>The index of a small store: a table in memory, read from the records of hashes.</summary>
internal sealed class MemoryIndex : IChunkIndex
{
    private readonly Dictionary<ulong, SlotAddress> _addresses = [];
    private readonly Lock _gate = new();

    /// <summary>Different hashes.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _addresses.Count;
        }
    }

    public bool TryFind(ulong hash, out SlotAddress address)
    {
        lock (_gate)
            return _addresses.TryGetValue(hash, out address);
    }

    public void Add(IReadOnlyCollection<KeyValuePair<ulong, SlotAddress>> pages)
    {
        lock (_gate)
        {
            foreach ((ulong hash, SlotAddress address) in pages)
                _addresses[hash] = address;
        }
    }

    public void Dispose()
    {
    }
}

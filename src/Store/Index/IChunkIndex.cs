namespace Snap.Store.Index;

/// <summary>Finds a stored page by its hash. An accelerator of deduplication: rebuildable, never needed to read, never trusted.</summary>
/// <remarks>Every address it gives is checked by comparing bytes; a wrong or missing entry costs space only. Safe from several threads.</remarks>
internal interface IChunkIndex : IDisposable
{
    /// <summary>An address that may hold a page with this hash.</summary>
    bool TryFind(ulong hash, out SlotAddress address);

    /// <summary>Adds pages of a durable commit.</summary>
    void Add(IReadOnlyCollection<KeyValuePair<ulong, SlotAddress>> pages);
}

using Snap.Store.Blocks;
using Snap.Store.Catalog;
using Snap.Store.Disk;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Store;

/// <summary>One version of the catalog, with a lease that keeps every file it names. Shared by a reader and the snapshots opened from it.</summary>
/// <remarks>
/// The lease is a shared lock on byte number <see cref="CatalogState.Epoch"/> of the file <c>leases</c>; it ends with the process.
/// gc unlinks what it replaced in epoch e only when no byte below e is locked. A reader that took its lock too late sees a newer epoch
/// when it looks again, and starts over.
/// </remarks>
internal sealed class StoreVersion
{
    public const string LeasePath = "leases";
    private readonly IDiskFile _lease;
    private int _users = 1;

    private StoreVersion(IDisk disk, CatalogState state, IDiskFile lease, BlockCache cache)
    {
        (State, _lease) = (state, lease);
        Slots = new SlotStore(new SegmentSet(disk, state), cache);
    }

    public CatalogState State { get; }

    public SlotStore Slots { get; }

    /// <summary>Reads the newest version, and takes a lease of it.</summary>
    public static StoreVersion Load(IDisk disk, StoreConfig config, BlockCache cache)
    {
        IDiskFile lease = disk.OpenOrNull(LeasePath, forWriting: false)
            ?? throw StoreErrors.Damaged(disk.Describe(LeasePath), null, "the file of leases is missing");
        try
        {
            while (true)
            {
                CatalogState state = LoadState(disk, config, out CatalogLog catalog);
                using (catalog)
                {
                    Image.Invariant.Holds(lease.TryLock((long)state.Epoch, 1, exclusive: false));
                    // Nothing was published meanwhile: what was read is still what the lease was taken of.
                    if (catalog.IsUnchanged())
                        return new StoreVersion(disk, state, lease, cache);
                }
                ulong epoch = state.Epoch;
                state = LoadState(disk, config, out catalog);
                catalog.Dispose();
                if (state.Epoch == epoch)
                    return new StoreVersion(disk, state, lease, cache);
                lease.Unlock((long)epoch, 1);
            }
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>One more user.</summary>
    public StoreVersion Share()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    /// <summary>One user less; the last one ends the lease.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) > 0)
            return;
        Slots.Segments.Dispose();
        _lease.Dispose();
    }

    private static CatalogState LoadState(IDisk disk, StoreConfig config, out CatalogLog catalog)
    {
        var state = new CatalogState();
        bool isComplete = WriterLock.IsCatalogComplete(disk);
        catalog = CatalogLog.Load(disk, config.StoreId, state, forWriting: false);
        try
        {
            (state.CatalogBytes, state.TornBytes) = (catalog.Length, isComplete ? 0 : catalog.TornBytes);
            if (!isComplete)
                new Recovery(disk, config, state).FindCommits();
            return state;
        }
        catch
        {
            catalog.Dispose();
            throw;
        }
    }
}

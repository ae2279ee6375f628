// Relaxed durability. A commit isn't synced if one was within the last second; the next later one, and everything else that is synced, brings
// it to the disk.
// Must: at most one segment has unsynced commits, for a commit may refer to what others hold; recovery then finds a beginning of them.
// Must: the catalog lists no unsynced commit. Until the sync, readers find it in its segment, as after a crash.
using System.Diagnostics;
using Snap.Image;
using Snap.Store.Catalog;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Store;

public sealed partial class StoreWriter
{
    private readonly List<Action<ByteWriter>> _unlisted = [];
    private SegmentWriter? _unsynced;
    private long _syncedAt;

    /// <summary>Writes out the last bytes of a commit, and waits for the disk if that is due.</summary>
    private void Complete(SegmentWriter last, Durability durability)
    {
        last.Flush();
        if (durability == Durability.Sync || _syncedAt == 0 || Stopwatch.GetElapsedTime(_syncedAt) >= _options.RelaxedPeriod)
        {
            last.Sync();
            lock (_gate)
            {
                _syncedAt = Stopwatch.GetTimestamp();
                if (_unsynced == last)
                    ListUnsynced();
            }
            return;
        }
        lock (_gate)
            _unsynced = last;
    }

    /// <summary>Makes every commit so far durable, and listed.</summary>
    /// <remarks>A failed sync may have lost what it was for, and a second one would say that all is well: from then on nothing that builds
    /// on those commits is acknowledged, until the store is opened anew. A failed write has lost nothing that came before it.</remarks>
    /// <exception cref="SnapException">The disk failed, now or in an earlier sync of these commits.</exception>
    private void SyncCommits()
    {
        lock (_gate)
        {
            if (_unsynced is not { } writer)
                return;
            writer.Sync();
            _syncedAt = Stopwatch.GetTimestamp();
            ListUnsynced();
        }
    }

    private void ListUnsynced()
    {
        _unsynced = null;
        Action<ByteWriter>[] records = [.. _unlisted];
        _unlisted.Clear();
        foreach (Action<ByteWriter> encode in records)
            TryRecord(RecordKind.SnapshotAdded, encode);
        if (records.Length > 0)
            _lock.SetCatalogComplete(!_catalog.IsBroken);
    }

    /// <summary>Adds a commit to the catalog: at once if it is durable, else when it is.</summary>
    private void List(SegmentWriter last, SnapshotEntry entry, List<CommitExtent> extents, List<SegmentWriter> writers)
    {
        long end = last.Position;
        SegmentEntry[] segments = [.. writers.Select(writer => writer.Entry)];
        void Encode(ByteWriter to) => CatalogRecords.EncodeSnapshot(to, entry, extents, end, segment => segments.First(known => known.Segment == segment));
        if (_unsynced != last)
        {
            TryRecord(RecordKind.SnapshotAdded, Encode);
            return;
        }
        _unlisted.Add(Encode);
        _lock.SetCatalogComplete(false);
    }
}

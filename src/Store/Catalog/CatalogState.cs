using Snap.Image;
using Snap.Store.Format;

namespace Snap.Store.Catalog;

/// <summary>What the catalog knows of a segment.</summary>
internal sealed class SegmentEntry
{
    public required uint Segment { get; init; }

    public required uint Generation { get; set; }

    /// <summary>The name whose snapshots it holds.</summary>
    public required string Name { get; init; }

    /// <summary>The newest slot table.</summary>
    public long? TableOffset { get; set; }

    /// <summary>The newest record of hashes.</summary>
    public long? HashesOffset { get; set; }

    /// <summary>Behind the last committed record; what lies beyond is nothing.</summary>
    public long End { get; set; }

    /// <summary>Never appended to again.</summary>
    public bool IsSealed { get; set; }
}

/// <summary>The catalog, replayed: names, snapshots, tags, policies, segments.</summary>
/// <remarks>Changed by <see cref="CatalogLog"/> and recovery only, under <see cref="Gate"/>, which readers in the same process take too.</remarks>
internal sealed class CatalogState
{
    private readonly Dictionary<SnapshotId, SnapshotEntry> _snapshots = [];
    private readonly SortedDictionary<uint, SegmentEntry> _segments = [];
    private readonly Dictionary<string, ulong> _nextSequences = [];
    private SnapshotInfo[]? _listed;

    public Lock Gate { get; } = new();

    /// <summary>Counts publications of gc: a lease of an epoch keeps every file that was current in it.</summary>
    public ulong Epoch { get; set; }

    /// <summary>Segments from this number on are new to the catalog; lower ones that it doesn't list are dead.</summary>
    public uint NextSegment { get; set; } = 1;

    /// <summary>Bytes of the catalog's file when it was read.</summary>
    public long CatalogBytes { get; set; }

    /// <summary>Bytes of a torn tail then.</summary>
    public long TornBytes { get; set; }

    /// <summary>Order of the next commit.</summary>
    public ulong NextOrder { get; private set; }

    /// <summary>Changes so far; tells caches that they are stale.</summary>
    public ulong Changes { get; private set; }

    public SortedDictionary<string, SnapshotId> Tags { get; } = [];

    public SortedDictionary<string, string> Policies { get; } = [];

    /// <summary>Snapshots that can be found, in the order of their commits.</summary>
    public IReadOnlyList<SnapshotInfo> Listed()
    {
        lock (Gate)
            return _listed ??= [.. _snapshots.Values.Where(entry => !entry.IsDropped).OrderBy(entry => entry.Order).Select(entry => entry.Info)];
    }

    /// <summary>Every snapshot, the dropped ones whose manifests are still needed included, in the order of their commits.</summary>
    public SnapshotEntry[] AllEntries()
    {
        lock (Gate)
            return [.. _snapshots.Values.OrderBy(entry => entry.Order)];
    }

    public SnapshotEntry? Find(SnapshotId id)
    {
        lock (Gate)
            return _snapshots.GetValueOrDefault(id);
    }

    public SegmentEntry? FindSegment(uint segment)
    {
        lock (Gate)
            return _segments.GetValueOrDefault(segment);
    }

    public SegmentEntry[] AllSegments()
    {
        lock (Gate)
            return [.. _segments.Values];
    }

    /// <summary>Names that ever had a snapshot, with the sequence that the next one gets.</summary>
    public KeyValuePair<string, ulong>[] NextSequences()
    {
        lock (Gate)
            return [.. _nextSequences.OrderBy(entry => entry.Key, StringComparer.Ordinal)];
    }

    /// <summary>A sequence for a commit that is about to be tried; never given again.</summary>
    public ulong TakeSequence(string name)
    {
        lock (Gate)
        {
            ulong sequence = _nextSequences.GetValueOrDefault(name, 1ul);
            _nextSequences[name] = sequence + 1;
            return sequence;
        }
    }

    public void SetNextSequence(string name, ulong next)
    {
        lock (Gate)
            _nextSequences[name] = Math.Max(next, _nextSequences.GetValueOrDefault(name));
    }

    public void AddSnapshot(SnapshotEntry entry)
    {
        lock (Gate)
        {
            if (!_snapshots.ContainsKey(entry.Info.Id))
                entry.Order = NextOrder++;
            _snapshots[entry.Info.Id] = entry;
            SetNextSequence(entry.Info.Name, entry.Info.Sequence + 1);
            Changed();
        }
    }

    public void DropSnapshot(SnapshotId id)
    {
        lock (Gate)
        {
            if (_snapshots.TryGetValue(id, out SnapshotEntry? entry))
                entry.IsDropped = true;
            Changed();
        }
    }

    public void ForgetSnapshot(SnapshotId id)
    {
        lock (Gate)
        {
            _snapshots.Remove(id);
            Changed();
        }
    }

    public void SetTag(string tag, SnapshotId id)
    {
        lock (Gate)
        {
            if (id == SnapshotId.None)
                Tags.Remove(tag);
            else
                Tags[tag] = id;
            Changed();
        }
    }

    public void SetPolicy(string name, string policy)
    {
        lock (Gate)
        {
            if (policy.Length == 0)
                Policies.Remove(name);
            else
                Policies[name] = policy;
            Changed();
        }
    }

    public void SetSegment(SegmentEntry entry)
    {
        lock (Gate)
        {
            _segments[entry.Segment] = entry;
            NextSegment = Math.Max(NextSegment, entry.Segment + 1);
            Changed();
        }
    }

    public void RemoveSegment(uint segment)
    {
        lock (Gate)
        {
            _segments.Remove(segment);
            Changed();
        }
    }

    /// <summary>Takes over what a commit wrote.</summary>
    public void AddCommit(SnapshotEntry entry, IReadOnlyList<CommitExtent> extents, long commitEnd, Func<uint, SegmentEntry> newSegment)
    {
        lock (Gate)
        {
            for (int i = 0; i < extents.Count; i++)
            {
                CommitExtent extent = extents[i];
                if (!_segments.TryGetValue(extent.Segment, out SegmentEntry? segment))
                    SetSegment(segment = newSegment(extent.Segment));
                segment.TableOffset = extent.TableOffset;
                segment.HashesOffset = extent.HashesOffset ?? segment.HashesOffset;
                bool isLast = i == extents.Count - 1;
                segment.End = isLast ? commitEnd : extent.End;
                // A commit leaves a segment only when it is full.
                segment.IsSealed |= !isLast;
            }
            AddSnapshot(entry);
        }
    }

    private void Changed()
    {
        _listed = null;
        Changes++;
    }
}

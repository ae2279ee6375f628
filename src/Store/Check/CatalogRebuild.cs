// A lost catalog is rebuilt from the commit records: collections keep those of every snapshot whose manifest is needed. What only the catalog
// knew is lost: tags, retention rules, and which snapshots were deleted. Every segment is closed; new snapshots begin new ones.
using Snap.Image;
using Snap.Store.Catalog;
using Snap.Store.Disk;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Store.Check;

/// <summary>Puts a catalog together from the segment files.</summary>
internal sealed class CatalogRebuild(IDisk disk, UInt128 storeId, Action<string>? progress)
{
    private readonly Dictionary<uint, SegmentEntry> _segments = [];
    private readonly Dictionary<SnapshotId, SnapshotEntry> _snapshots = [];
    private readonly List<(List<CommitExtent> Extents, long End)> _commits = [];

    /// <summary>The state that the segments tell of.</summary>
    public CatalogState Build()
    {
        ILookup<uint, uint> files = SegmentFiles(disk).ToLookup(file => file.Segment, file => file.Generation);
        foreach (IGrouping<uint, uint> file in files.OrderBy(file => file.Key))
        {
            progress?.Invoke($"segment {file.Key:x8}");
            // A newer generation that was never finished has no table at its end; the one before is whole then.
            uint[] generations = [.. file.OrderDescending()];
            if (!generations.Any(generation => TryTake(file.Key, generation, mustBeFinished: true)))
                TryTake(file.Key, generations[^1], mustBeFinished: false);
        }
        foreach ((List<CommitExtent> extents, long end) in _commits)
            ApplyExtents(extents, end);
        // Epochs count up: a number that no lease of the lost catalog has reached.
        var state = new CatalogState { Epoch = (ulong)DateTimeOffset.UtcNow.ToUnixTimeSeconds() };
        foreach (SegmentEntry segment in _segments.Values.Where(segment => segment.End > 0))
            state.SetSegment(segment);
        if (files.Count > 0)
            state.NextSegment = Math.Max(state.NextSegment, files.Max(file => file.Key) + 1);
        foreach (SnapshotEntry entry in ParentsFirst())
        {
            if (_segments.ContainsKey(entry.Manifest.Segment) && _segments.ContainsKey(entry.Image.Segment))
                state.AddSnapshot(entry);
        }
        return state;
    }

    /// <summary>The store's id as the segments know it; null if none does.</summary>
    public static UInt128? FindStoreId(IDisk disk)
    {
        foreach ((uint segment, uint generation) in SegmentFiles(disk))
        {
            using IDiskFile? file = disk.OpenOrNull(SegmentName.Of(segment, generation), forWriting: false);
            if (file is null)
                continue;
            foreach (ScannedRecord record in SegmentScan.Read(file, segment, generation, 4096).Where(record => record.Header.Kind == RecordKind.SegmentStart))
            {
                if (SegmentStart.TryReadStoreId(record.Body, out UInt128 id))
                    return id;
            }
        }
        return null;
    }

    private static IEnumerable<(uint Segment, uint Generation)> SegmentFiles(IDisk disk)
    {
        foreach (string name in disk.List(SegmentName.Directory))
        {
            if (SegmentName.TryParse(name, out uint segment, out uint generation))
                yield return (segment, generation);
        }
    }

    private bool TryTake(uint segment, uint generation, bool mustBeFinished)
    {
        using IDiskFile? file = disk.OpenOrNull(SegmentName.Of(segment, generation), forWriting: false);
        if (file is null)
            return false;
        string? name = null;
        var entry = new SegmentEntry { Segment = segment, Generation = generation, Name = "", IsSealed = true };
        var commits = new List<(SnapshotEntry Entry, List<CommitExtent> Extents, long End)>();
        RecordKind last = RecordKind.SegmentStart;
        foreach (ScannedRecord record in SegmentScan.Read(file, segment, generation, file.Length))
        {
            last = record.Header.Kind;
            try
            {
                switch (last)
                {
                    case RecordKind.SegmentStart:
                        name = SegmentStart.Decode(record.Body, storeId, segment, generation);
                        break;
                    case RecordKind.Commit:
                        (SnapshotEntry snapshot, List<CommitExtent> extents) = CommitRecord.Decode(record.Body);
                        commits.Add((snapshot, extents, record.End));
                        break;
                    case RecordKind.SlotTable when generation > 1:
                        (entry.TableOffset, entry.End) = (record.Offset, record.End);
                        break;
                    case RecordKind.Hashes when generation > 1:
                        entry.HashesOffset = record.Offset;
                        break;
                }
            }
            catch (FormatException)
            {
                // A record of another store, or of a version that this one doesn't know: it is left out.
            }
        }
        name ??= commits.Count > 0 ? commits[0].Entry.Info.Name : null;
        if (name is null || (mustBeFinished && generation > 1 && last != RecordKind.SlotTable))
            return false;
        _segments[segment] = new SegmentEntry
        {
            Segment = segment, Generation = generation, Name = name, IsSealed = true, TableOffset = entry.TableOffset, HashesOffset = entry.HashesOffset, End = entry.End,
        };
        foreach ((SnapshotEntry snapshot, List<CommitExtent> extents, long end) in commits)
        {
            _snapshots[snapshot.Info.Id] = snapshot;
            if (extents.Count > 0)
                _commits.Add((extents, end));
        }
        return true;
    }

    private void ApplyExtents(List<CommitExtent> extents, long commitEnd)
    {
        for (int i = 0; i < extents.Count; i++)
        {
            CommitExtent extent = extents[i];
            long end = i == extents.Count - 1 ? commitEnd : extent.End;
            // A generation that gc wrote has a table of its own.
            if (!_segments.TryGetValue(extent.Segment, out SegmentEntry? entry) || entry.Generation > 1 || entry.End >= end)
                continue;
            (entry.End, entry.TableOffset, entry.HashesOffset) = (end, extent.TableOffset, extent.HashesOffset ?? entry.HashesOffset);
        }
    }

    private IEnumerable<SnapshotEntry> ParentsFirst()
    {
        var given = new HashSet<SnapshotId>();
        foreach (SnapshotEntry first in _snapshots.Values.OrderBy(entry => entry.Info.Time).ThenBy(entry => entry.Info.Sequence))
        {
            var line = new Stack<SnapshotEntry>();
            for (SnapshotEntry? entry = first; entry is not null && given.Add(entry.Info.Id); entry = _snapshots.GetValueOrDefault(entry.Info.Parent))
                line.Push(entry);
            foreach (SnapshotEntry entry in line)
                yield return entry;
        }
    }
}

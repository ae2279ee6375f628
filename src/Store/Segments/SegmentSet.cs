using Snap.Store.Catalog;
using Snap.Store.Disk;

namespace Snap.Store.Segments;

/// <summary>The segment files of one catalog version; opened when needed, kept for the next version where the generation is the same.</summary>
internal sealed class SegmentSet(IDisk disk, CatalogState state) : IDisposable
{
    private readonly Dictionary<uint, SegmentFile> _files = [];
    private readonly Lock _gate = new();

    /// <summary>The file of a segment, and the newest slot table that the catalog knows.</summary>
    /// <exception cref="Image.SnapException">The catalog knows no such segment.</exception>
    public SegmentFile Get(uint segment, out long? newestTable)
    {
        lock (_gate)
        {
            SegmentEntry? entry = state.FindSegment(segment);
            newestTable = entry?.TableOffset;
            if (_files.TryGetValue(segment, out SegmentFile? file) && (entry is null || file.Generation == entry.Generation))
                return file;
            if (entry is null)
                throw StoreErrors.Damaged(disk.Describe(SegmentName.Directory), null, $"a manifest names segment {segment:x8}, which isn't there");
            return _files[segment] = new SegmentFile(disk, segment, entry.Generation);
        }
    }

    /// <summary>Adds the file of a segment that a writer has just begun.</summary>
    public void Add(SegmentFile file)
    {
        lock (_gate)
            _files[file.Segment] = file;
    }

    /// <summary>Forgets a segment's file without closing it: somebody may be about to read from it.</summary>
    /// <returns>The file, if it was open.</returns>
    public SegmentFile? Take(uint segment)
    {
        lock (_gate)
            return _files.Remove(segment, out SegmentFile? file) ? file : null;
    }

    /// <summary>Forgets a segment's file, and closes it.</summary>
    public void Remove(uint segment)
    {
        lock (_gate)
        {
            if (_files.Remove(segment, out SegmentFile? file))
                file.Dispose();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (SegmentFile file in _files.Values)
                file.Dispose();
            _files.Clear();
        }
    }
}

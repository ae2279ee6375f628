// The index accelerates deduplication on the write path and nothing else. A small store's is read into memory when it is first asked; a large
// one's is FasterKV on disk, and opening that takes longer than a small checkpoint may: a builder asks only once it has stored some pages.
using Snap.Store.Catalog;
using Snap.Store.Index;

namespace Snap.Store;

public sealed partial class StoreWriter
{
    private const string IndexDirectory = "index";

    /// <summary>New pages that a snapshot stores without asking a large store's index that isn't open.</summary>
    private const int PagesBeforeOpening = 2048;
    private IChunkIndex? _index;
    private bool _isIndexLarge;

    /// <summary>An address that may hold a page with this hash; the index is opened by the first question.</summary>
    /// <param name="hash">The hash.</param>
    /// <param name="pagesStored">New pages of the asking snapshot so far.</param>
    /// <param name="address">The address.</param>
    internal bool TryFindHash(ulong hash, long pagesStored, out SlotAddress address)
    {
        address = SlotAddress.None;
        IChunkIndex? index = _index;
        if (index is null)
        {
            lock (_gate)
                index = _index ??= OpenIndex(pagesStored);
        }
        return index is not null && index.TryFind(hash, out address);
    }

    private IChunkIndex? OpenIndex(long pagesStored)
    {
        if (_options.MakeIndex is { } make)
            return make();
        long pages = _state.AllEntries().Sum(entry => entry.Info.Statistics.PagesStored - entry.Info.Statistics.PagesDelta);
        string? directory = _disk.CacheDirectory(IndexDirectory);
        _isIndexLarge = pages > _options.MemoryIndexPages && directory is not null;
        if (_isIndexLarge)
            return pagesStored < PagesBeforeOpening ? null : OpenLargeIndex(directory!, pages);
        var index = new MemoryIndex();
        foreach (SegmentEntry segment in _state.AllSegments())
        {
            foreach (List<KeyValuePair<ulong, SlotAddress>> page in HashReader.Read(Slots.Segments, segment))
                index.Add(page);
        }
        return index;
    }

    /// <summary>FasterKV; a disk that can't hold it costs deduplication, not the snapshot.</summary>
    private IChunkIndex OpenLargeIndex(string directory, long pages)
    {
        try
        {
            return FasterIndex.Open(directory, Slots.Segments, _state, pages, _options.IndexBytes, _options.Progress);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FASTER.core.FasterException)
        {
            _options.Progress?.Invoke($"the index can't be used: {failure.Message}");
            return new MemoryIndex();
        }
    }

    private void AddToIndex(IReadOnlyCollection<KeyValuePair<ulong, SlotAddress>> hashes)
    {
        _index?.Add(hashes);
        (_index as FasterIndex)?.Absorb(_state);
        // A store that outgrew its table in memory moves to disk.
        if (_index is MemoryIndex small && small.Count > 4L * _options.MemoryIndexPages && _disk.CacheDirectory(IndexDirectory) is { } directory && !_isIndexLarge)
        {
            _isIndexLarge = true;
            _index = OpenLargeIndex(directory, small.Count);
        }
    }

    private void CloseIndex()
    {
        try
        {
            (_index as FasterIndex)?.Absorb(_state, force: true);
        }
        catch (Exception failure) when (failure is IOException or FASTER.core.FasterException)
        {
            _options.Progress?.Invoke($"the index could not be saved: {failure.Message}");
        }
        _index?.Dispose();
        _index = null;
    }
}

using Snap.Dumper.Pages;
using Snap.Image;
using Snap.Kernel.Memory;

namespace Snap.Dumper.Tests.Pages;

/// <summary>A sink that keeps the newest version of every page in a dictionary: what a store would give back. Intervals can be taken back until they are committed.</summary>
internal sealed class MemorySink : IPageSink, IDisposable
{
    private const ulong StreamLength = 1 << 20;
    private readonly ulong _pauseLength;
    private readonly HistoryLog? _log;
    private readonly Dictionary<SpaceId, Dictionary<ulong, byte[]>> _spaces = [];
    private readonly SortedDictionary<ulong, Dictionary<(SpaceId Space, ulong Page), byte[]?>> _undo = [];
    private Dictionary<(SpaceId Space, ulong Page), byte[]?> _before = [];

    public MemorySink(ulong pauseLength = 64 << 20, HistoryLog? log = null)
    {
        _log = log;
        _pauseLength = pauseLength;
        Memory = MappedMemory.Anonymous(StreamLength + pauseLength);
    }

    public MappedMemory Memory { get; }

    /// <summary>Pages whose bytes were given since this was last emptied.</summary>
    public PageSet Given { get; } = new();

    /// <summary>Called between the first look at the target and the freeze.</summary>
    public Action OnAcquirePause { get; set; } = () => { };

    /// <summary>False to take everything and keep nothing.</summary>
    public bool KeepsPages { get; set; } = true;

    public Dictionary<ulong, byte[]> Pages(SpaceId space)
    {
        if (!_spaces.TryGetValue(space, out Dictionary<ulong, byte[]>? pages))
            _spaces.Add(space, pages = []);
        return pages;
    }

    /// <summary>Spaces of which pages are kept.</summary>
    public IEnumerable<SpaceId> Spaces => _spaces.Where(space => space.Value.Count > 0).Select(space => space.Key);

    /// <summary>The interval is complete; it may still fail.</summary>
    public void End(ulong interval)
    {
        _undo.Add(interval, _before);
        _before = [];
    }

    public void Committed(ulong interval) => _undo.Remove(interval);

    /// <summary>Takes back the interval and all after it.</summary>
    public void Failed(ulong interval)
    {
        foreach (ulong lost in _undo.Keys.Where(key => key >= interval).Reverse().ToList())
        {
            foreach (((SpaceId space, ulong page), byte[]? bytes) in _undo[lost])
                Restore(space, page, bytes);
            _undo.Remove(lost);
        }
    }

    /// <summary>The interval under way broke off.</summary>
    public void Abandon()
    {
        foreach (((SpaceId space, ulong page), byte[]? bytes) in _before)
            Restore(space, page, bytes);
        _before = [];
    }

    public ulong AcquireStream(int length) => 0;

    public void PublishStream(ulong offset, int acquired, ReadOnlySpan<SpaceRun> runs) => Take(offset, runs);

    public (ulong Offset, ulong Length) AcquirePause(ulong wantedLength)
    {
        OnAcquirePause();
        return (StreamLength, _pauseLength);
    }

    public void PublishPause(ReadOnlySpan<SpaceRun> runs) => Take(StreamLength, runs);

    public void PublishZero(SpaceId space, PageRange range) => Drop(space, range, keepZero: true);

    public void PublishDrop(SpaceId space, PageRange range) => Drop(space, range, keepZero: false);

    public void PublishRemoved(SpaceId space)
    {
        Dictionary<ulong, byte[]> pages = Pages(space);
        foreach (ulong page in pages.Keys.ToList())
            Set(space, pages, page, null);
    }

    public void Dispose() => Memory.Dispose();

    private void Restore(SpaceId space, ulong page, byte[]? bytes)
    {
        if (bytes is null)
            Pages(space).Remove(page);
        else
            Pages(space)[page] = bytes;
    }

    // A zero page is kept as an empty array, so that "zero" and "absent" stay apart.
    private void Drop(SpaceId space, PageRange range, bool keepZero)
    {
        _log?.Add(keepZero ? "zero" : "drop", range);
        Dictionary<ulong, byte[]> pages = Pages(space);
        if (range.Count > (ulong)pages.Count)
        {
            foreach (ulong page in pages.Keys.Where(range.Contains).ToList())
                Set(space, pages, page, null);
        }
        else
        {
            for (ulong page = range.First; page < range.End; page++)
                Set(space, pages, page, null);
        }

        // Huge ranges of zeros (a reserved mapping) are as good as absent in anonymous memory; smaller ones are kept to be checked.
        if (keepZero && range.Count <= 4096)
        {
            for (ulong page = range.First; page < range.End; page++)
                Set(space, pages, page, []);
        }
    }

    private void Take(ulong offset, ReadOnlySpan<SpaceRun> runs)
    {
        if (!KeepsPages)
            return;
        foreach (SpaceRun run in runs)
        {
            _log?.Add("bytes", run.Range);
            Given.Add(run.Range);
            Dictionary<ulong, byte[]> pages = Pages(run.Space);
            for (ulong page = run.Range.First; page < run.Range.End; page++, offset += PageRange.PageSize)
                Set(run.Space, pages, page, Memory.Slice(offset, PageRange.PageSize).ToArray());
        }
    }

    private void Set(SpaceId space, Dictionary<ulong, byte[]> pages, ulong page, byte[]? bytes)
    {
        bool isKnown = pages.TryGetValue(page, out byte[]? before);
        if (!isKnown && bytes is null)
            return;
        _before.TryAdd((space, page), before);
        if (bytes is null)
            pages.Remove(page);
        else
            pages[page] = bytes;
    }
}

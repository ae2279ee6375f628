using Snap.Image;
using Snap.Kernel.Memory;

namespace Snap.Dumper.Tests.Pages;

/// <summary>A sink that keeps the newest version of every page in a dictionary: what a store would give back.</summary>
internal sealed class MemorySink : IPageSink, IDisposable
{
    private const ulong StreamLength = 1 << 20;
    private readonly ulong _pauseLength;
    private readonly Dictionary<SpaceId, Dictionary<ulong, byte[]>> _spaces = [];
    private readonly Stack<byte[]> _free = [];

    public MemorySink(ulong pauseLength = 64 << 20)
    {
        _pauseLength = pauseLength;
        Memory = MappedMemory.Anonymous(StreamLength + pauseLength);
    }

    public MappedMemory Memory { get; }

    public Dictionary<ulong, byte[]> Pages(SpaceId space)
    {
        if (!_spaces.TryGetValue(space, out Dictionary<ulong, byte[]>? pages))
            _spaces.Add(space, pages = []);
        return pages;
    }

    public ulong AcquireStream(int length) => 0;

    public void PublishStream(ulong offset, int acquired, ReadOnlySpan<SpaceRun> runs) => Take(offset, runs);

    public (ulong Offset, ulong Length) AcquirePause(ulong wantedLength) => (StreamLength, _pauseLength);

    public void PublishPause(ReadOnlySpan<SpaceRun> runs) => Take(StreamLength, runs);

    public void PublishZero(SpaceId space, PageRange range) => Drop(space, range, keepZero: true);

    public void PublishDrop(SpaceId space, PageRange range) => Drop(space, range, keepZero: false);

    public void PublishRemoved(SpaceId space) => _spaces.Remove(space);

    public void Dispose() => Memory.Dispose();

    // A zero page is kept as an empty array, so that "zero" and "absent" stay apart.
    private void Drop(SpaceId space, PageRange range, bool keepZero)
    {
        Dictionary<ulong, byte[]> pages = Pages(space);
        if (range.Count > (ulong)pages.Count)
        {
            foreach (ulong page in pages.Keys.Where(range.Contains).ToList())
                Free(pages, page);
        }
        else
        {
            for (ulong page = range.First; page < range.End; page++)
                Free(pages, page);
        }

        // Huge ranges of zeros (a reserved mapping) are as good as absent in anonymous memory; smaller ones are kept to be checked.
        if (keepZero && range.Count <= 4096)
        {
            for (ulong page = range.First; page < range.End; page++)
                pages[page] = [];
        }
    }

    private void Free(Dictionary<ulong, byte[]> pages, ulong page)
    {
        if (pages.Remove(page, out byte[]? bytes) && bytes.Length > 0)
            _free.Push(bytes);
    }

    private void Take(ulong offset, ReadOnlySpan<SpaceRun> runs)
    {
        foreach (SpaceRun run in runs)
        {
            Dictionary<ulong, byte[]> pages = Pages(run.Space);
            for (ulong page = run.Range.First; page < run.Range.End; page++, offset += PageRange.PageSize)
            {
                if (!pages.TryGetValue(page, out byte[]? bytes) || bytes.Length == 0)
                    pages[page] = bytes = _free.TryPop(out byte[]? spare) ? spare : new byte[PageRange.PageSize];
                Memory.Slice(offset, PageRange.PageSize).CopyTo(bytes);
            }
        }
    }
}

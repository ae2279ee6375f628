using Snap.Image;

namespace Snap.Restorer.Tests;

/// <summary>Pages in a dictionary; all-zero ones are told as zero.</summary>
internal sealed class DictionaryPages : IPageSource
{
    private readonly SortedDictionary<(SpaceId Space, ulong Page), byte[]> _pages = [];

    public int Count => _pages.Count;

    public void Put(SpaceId space, ulong page, ReadOnlySpan<byte> bytes) => _pages[(space, page)] = bytes.ToArray();

    public IEnumerable<(SpaceId Space, ulong Page, byte[] Bytes)> All => _pages.Select(entry => (entry.Key.Space, entry.Key.Page, entry.Value));

    public void Remove(SpaceId space, ulong page) => _pages.Remove((space, page));

    public IEnumerable<(PageRange Range, bool IsZero)> Runs(SpaceId space) => _pages
        .Where(entry => entry.Key.Space == space)
        .Select(entry => (new PageRange(entry.Key.Page, 1), !entry.Value.AsSpan().ContainsAnyExcept((byte)0)));

    public void ReadPages(SpaceId space, ulong firstPage, Span<byte> into)
    {
        for (int at = 0; at < into.Length; at += PageRange.PageSize)
            _pages[(space, firstPage + (ulong)(at >> PageRange.PageShift))].CopyTo(into[at..]);
    }
}

using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Snap.Image;

namespace Snap.Dumper.Pages;

/// <summary>A sum of each page as a reader was last given it: 16 bytes that stand for 4096.</summary>
/// <remarks>
/// XXH128 under a seed that is drawn when the process starts and never leaves it: two different pages have the same sum once in 2^128, and nobody can
/// look for such a pair. Kept in blocks of 512 pages, as page tables are, so that a sparse object costs nothing.
/// </remarks>
internal sealed class PageSums
{
    private const int BlockPages = 512;
    private static readonly long _seed = MemoryMarshal.Read<long>(RandomNumberGenerator.GetBytes(sizeof(long)));

    private readonly Dictionary<ulong, UInt128[]> _blocks = [];

    /// <summary>The sum of a page; never zero, which stands for none.</summary>
    public static UInt128 Of(ReadOnlySpan<byte> page)
    {
        UInt128 sum = XxHash128.HashToUInt128(page, _seed);
        return sum == UInt128.Zero ? UInt128.One : sum;
    }

    /// <summary>True if <paramref name="page"/> was last given with this sum.</summary>
    public bool Has(ulong page, UInt128 sum) => _blocks.TryGetValue(page / BlockPages, out UInt128[]? block) && block[page % BlockPages] == sum;

    /// <summary>The page was given with this sum.</summary>
    public void Set(ulong page, UInt128 sum)
    {
        if (!_blocks.TryGetValue(page / BlockPages, out UInt128[]? block))
            _blocks.Add(page / BlockPages, block = new UInt128[BlockPages]);
        block[page % BlockPages] = sum;
    }

    /// <summary>Nothing is known of these pages any more.</summary>
    public void Forget(PageRange range)
    {
        foreach (ulong key in _blocks.Keys.Where(key => key * BlockPages < range.End && (key + 1) * BlockPages > range.First).ToList())
        {
            ulong first = Math.Max(range.First, key * BlockPages), end = Math.Min(range.End, (key + 1) * BlockPages);
            if (end - first == BlockPages)
                _blocks.Remove(key);
            else
                Array.Clear(_blocks[key], (int)(first % BlockPages), (int)(end - first));
        }
    }
}

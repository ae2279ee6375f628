using System.Globalization;

namespace Snap.Image;

/// <summary>A half-open run of pages of one space: from <see cref="First"/>, <see cref="Count"/> pages.</summary>
/// <param name="First">Index of the first page: byte offset in the space (the address, in an address space) divided by the page size.</param>
/// <param name="Count">Pages in the run.</param>
public readonly record struct PageRange(ulong First, ulong Count)
{
    /// <summary>Bytes in a page; the only page size of x86-64 user memory that a store holds so far (its config records it).</summary>
    public const int PageSize = 4096;

    /// <summary>Bits that a byte offset is shifted by to give a page index.</summary>
    public const int PageShift = 12;

    /// <summary>The page after the last one.</summary>
    public ulong End => First + Count;

    /// <summary>The run that holds exactly the bytes <paramref name="start"/>..<paramref name="end"/>, both multiples of the page size.</summary>
    public static PageRange FromBytes(ulong start, ulong end) => new(start >> PageShift, (end - start) >> PageShift);

    /// <summary>True if <paramref name="page"/> lies in the run.</summary>
    public bool Contains(ulong page) => page - First < Count;

    /// <summary>As byte offsets in hex, half-open: <c>7f3a1000-7f3a3000</c>.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{First << PageShift:x}-{End << PageShift:x}");
}

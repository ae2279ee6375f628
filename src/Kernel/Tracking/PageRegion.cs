using System.Globalization;
using System.Runtime.CompilerServices;

namespace Snap.Kernel.Tracking;

/// <summary>A run of pages of one category set, as PAGEMAP_SCAN returns it (struct page_region).</summary>
/// <param name="Start">First byte.</param>
/// <param name="End">Byte after the last.</param>
/// <param name="Categories">What all pages of it are.</param>
public readonly record struct PageRegion(ulong Start, ulong End, PageCategories Categories)
{
    /// <summary>Pages in the run.</summary>
    public ulong PageCount => (End - Start) >> 12;

    /// <summary><c>7f00-7f02 Present, Written</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Start:x}-{End:x} {Categories}");

    static PageRegion()
    {
        if (Unsafe.SizeOf<PageRegion>() != 24)
            throw new InvalidOperationException("PageRegion must lie in memory as struct page_region does");
    }
}

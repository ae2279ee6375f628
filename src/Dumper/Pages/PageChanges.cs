using Snap.Image;

namespace Snap.Dumper.Pages;

/// <summary>What a scan found changed in an address space. Later findings about a page stand; <see cref="Dropped"/> comes before the others.</summary>
internal sealed class PageChanges
{
    /// <summary>Pages no longer there, or back to what their file says.</summary>
    public List<PageRange> Dropped { get; } = [];

    /// <summary>Pages of anonymous memory known to read as zeros.</summary>
    public PageSet Zeroed { get; } = new();

    /// <summary>Pages whose bytes have to be read.</summary>
    public PageSet Written { get; } = new();

    public void Clear()
    {
        Dropped.Clear();
        Zeroed.Clear();
        Written.Clear();
    }
}

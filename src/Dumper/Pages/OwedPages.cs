using Snap.Image;

namespace Snap.Dumper.Pages;

/// <summary>Which pages of a space a reader may not have as they are: those that were said in intervals whose fate isn't known yet, and those that must be said again.</summary>
/// <remarks>
/// Must: whatever is said of a page is noted by <see cref="Said(PageRange)"/> in the same interval, drops included. An interval that broke off or was not stored
/// gives its pages back to <see cref="Owed"/>; whoever looks at them again takes them from there.
/// </remarks>
internal sealed class OwedPages
{
    private readonly PageSet _current = new();
    private readonly SortedDictionary<ulong, PageSet> _uncommitted = [];
    private ulong? _fullInterval;

    /// <summary>Pages to be looked at again in the interval under way, changed or not.</summary>
    public PageSet Owed { get; } = new();

    /// <summary>True until an interval with every page has been given, and again if that one was not stored: a reader may know older pages of the space.</summary>
    public bool DropsEverythingFirst { get; private set; } = true;

    /// <summary>The reader is told of these pages in the interval under way.</summary>
    public void Said(PageRange pages) => _current.Add(pages);

    /// <summary>The reader is told of these pages in the interval under way.</summary>
    public void Said(PageSet pages) => _current.Add(pages);

    /// <summary>The interval is complete; its pages are kept in mind until its fate is known.</summary>
    public void End(ulong interval)
    {
        var pages = new PageSet();
        pages.Add(_current);
        _current.Clear();
        _uncommitted.Add(interval, pages);
        if (DropsEverythingFirst)
            _fullInterval = interval;
        DropsEverythingFirst = false;
    }

    /// <summary>The interval broke off before its end.</summary>
    public void Abandon()
    {
        Owed.Add(_current);
        _current.Clear();
    }

    /// <summary>The interval, and all before it, are durable.</summary>
    public void Committed(ulong interval)
    {
        foreach (ulong done in _uncommitted.Keys.Where(key => key <= interval).ToList())
            _uncommitted.Remove(done);
    }

    /// <summary>The interval, and all after it, were not stored.</summary>
    public void Failed(ulong interval)
    {
        // If the one with every page was among them, the next must again say that nothing but what it gives exists.
        if (_fullInterval is { } full && full >= interval)
        {
            DropsEverythingFirst = true;
            _fullInterval = null;
        }

        foreach (ulong lost in _uncommitted.Keys.Where(key => key >= interval).ToList())
        {
            Owed.Add(_uncommitted[lost]);
            _uncommitted.Remove(lost);
        }
    }
}

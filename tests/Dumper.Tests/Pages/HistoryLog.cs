using System.Globalization;
using System.Text;
using Snap.Image;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Tests.Pages;

/// <summary>The newest events of a history, to tell of a page that turned out wrong all that was heard of it.</summary>
internal sealed class HistoryLog
{
    private const int MaxEvents = 400_000;
    private const int MaxLists = 64;
    private readonly Queue<(string Phase, string What, PageRange Range)> _events = [];
    private readonly Queue<(string Phase, MapsEntry[] Mappings)> _lists = [];

    /// <summary>Where the history is: epoch, and live pass or freeze.</summary>
    public string Phase { get; set; } = "";

    public void Add(string what, PageRange range)
    {
        if (_events.Count == MaxEvents)
            _events.Dequeue();
        _events.Enqueue((Phase, what, range));
    }

    public void Add(IReadOnlyList<MapsEntry> mappings)
    {
        if (_lists.Count == MaxLists)
            _lists.Dequeue();
        _lists.Enqueue((Phase, [.. mappings]));
    }

    /// <summary>All that is remembered of one page: in which mapping it lay at each look, and what was published of it.</summary>
    public string Of(ulong page)
    {
        var text = new StringBuilder();
        ulong address = page << PageRange.PageShift;
        string last = "";
        foreach ((string phase, MapsEntry[] mappings) in _lists)
        {
            string place = string.Join(", ", mappings.Where(entry => entry.End >= address && entry.Start <= address + PageRange.PageSize));
            if (place != last)
                text.AppendLine(CultureInfo.InvariantCulture, $"  {phase}: at and beside it {place}");
            last = place;
        }

        foreach ((string phase, string what, PageRange range) in _events.Where(entry => entry.Range.Contains(page)))
            text.AppendLine(CultureInfo.InvariantCulture, $"  {phase}: {what} {range}");
        return text.ToString();
    }
}

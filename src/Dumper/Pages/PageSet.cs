using Snap.Image;

namespace Snap.Dumper.Pages;

/// <summary>A set of page indexes of one space, kept as ascending, disjoint, non-touching runs.</summary>
/// <remarks>Adding is cheapest in ascending order, as scans report; anything else is sorted at the next look.</remarks>
public sealed class PageSet
{
    private readonly List<PageRange> _runs = [];
    private bool _isSorted = true;

    /// <summary>True if no page is in it.</summary>
    public bool IsEmpty => _runs.Count == 0;

    /// <summary>The runs, ascending.</summary>
    public IReadOnlyList<PageRange> Runs
    {
        get
        {
            Sort();
            return _runs;
        }
    }

    /// <summary>Pages in it.</summary>
    public ulong Count
    {
        get
        {
            ulong count = 0;
            foreach (PageRange run in Runs)
                count += run.Count;
            return count;
        }
    }

    /// <summary>Adds the pages of <paramref name="range"/>.</summary>
    public void Add(PageRange range)
    {
        if (range.Count == 0)
            return;
        if (_runs.Count > 0 && _isSorted)
        {
            PageRange last = _runs[^1];
            if (range.First >= last.First && range.First <= last.End)
            {
                _runs[^1] = new PageRange(last.First, Math.Max(last.End, range.End) - last.First);
                return;
            }

            _isSorted = range.First > last.End;
        }

        _runs.Add(range);
    }

    /// <summary>Adds all pages of <paramref name="other"/>.</summary>
    public void Add(PageSet other)
    {
        foreach (PageRange run in other.Runs)
            Add(run);
    }

    /// <summary>Takes out the pages of <paramref name="range"/>.</summary>
    public void Remove(PageRange range)
    {
        if (range.Count == 0 || IsEmpty)
            return;
        Sort();
        int first = FirstEndingAfter(range.First);
        int index = first;
        PageRange? left = null, right = null;
        while (index < _runs.Count && _runs[index].First < range.End)
        {
            PageRange run = _runs[index];
            if (run.First < range.First)
                left = new PageRange(run.First, range.First - run.First);
            if (run.End > range.End)
                right = new PageRange(range.End, run.End - range.End);
            index++;
        }

        _runs.RemoveRange(first, index - first);
        if (right is { } after)
            _runs.Insert(first, after);
        if (left is { } before)
            _runs.Insert(first, before);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _runs.Clear();
        _isSorted = true;
    }

    /// <summary>True if <paramref name="page"/> is in it.</summary>
    public bool Contains(ulong page)
    {
        Sort();
        int index = FirstEndingAfter(page);
        return index < _runs.Count && _runs[index].First <= page;
    }

    /// <summary>True if a page of <paramref name="range"/> is in it.</summary>
    public bool Intersects(PageRange range)
    {
        Sort();
        int index = FirstEndingAfter(range.First);
        return range.Count > 0 && index < _runs.Count && _runs[index].First < range.End;
    }

    /// <summary>Splits <paramref name="range"/> into pieces that are in the set and pieces that aren't.</summary>
    /// <param name="range">May be empty.</param>
    /// <param name="pieces">Emptied first; then receives the pieces, ascending and without a gap.</param>
    public void Split(PageRange range, List<(PageRange Piece, bool IsInside)> pieces)
    {
        Sort();
        pieces.Clear();
        if (range.Count == 0)
            return;
        ulong at = range.First;
        for (int index = FirstEndingAfter(range.First); index < _runs.Count && _runs[index].First < range.End; index++)
        {
            PageRange run = _runs[index];
            if (run.First > at)
                pieces.Add((new PageRange(at, run.First - at), false));
            ulong start = Math.Max(run.First, at);
            ulong end = Math.Min(run.End, range.End);
            pieces.Add((new PageRange(start, end - start), true));
            at = end;
        }

        if (at < range.End)
            pieces.Add((new PageRange(at, range.End - at), false));
    }

    private int FirstEndingAfter(ulong page)
    {
        int low = 0, high = _runs.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_runs[middle].End > page)
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }

    private void Sort()
    {
        if (_isSorted)
            return;
        _isSorted = true;
        _runs.Sort(static (left, right) => left.First.CompareTo(right.First));
        int kept = 0;
        for (int index = 1; index < _runs.Count; index++)
        {
            PageRange last = _runs[kept], next = _runs[index];
            if (next.First <= last.End)
                _runs[kept] = new PageRange(last.First, Math.Max(last.End, next.End) - last.First);
            else
                _runs[++kept] = next;
        }

        _runs.RemoveRange(kept + 1, _runs.Count - kept - 1);
    }
}

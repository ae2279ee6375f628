using Snap.Image;

namespace Snap.Store.Pages;

/// <summary>What each page of one space is: nothing said, zero, dropped, or the address of its bytes.</summary>
/// <remarks>Leaves of 64 pages: dense where memory is mapped, cheap for islands in a wide address space.</remarks>
internal sealed class PageMap
{
    /// <summary>Nothing is said of the page; in a whole map: it is absent.</summary>
    public const ulong Absent = 0;

    /// <summary>The page is all zeros.</summary>
    public const ulong Zero = 1;

    /// <summary>Only in increments: the page became absent.</summary>
    public const ulong Dropped = 2;

    private const int LeafShift = 6;
    private const int LeafPages = 1 << LeafShift;
    private readonly Dictionary<ulong, ulong[]> _leaves = [];
    private ulong _lastKey = ulong.MaxValue;
    private ulong[] _lastLeaf = [];

    /// <summary>True if no page was ever set; a page set back to absent may leave it false.</summary>
    public bool IsEmpty => _leaves.Count == 0;

    /// <summary>Pages with bytes.</summary>
    public long DataPages { get; private set; }

    /// <summary>Explicit zero pages.</summary>
    public long ZeroPages { get; private set; }

    public static bool IsData(ulong value) => value > Dropped;

    public ulong Get(ulong page) =>
        _leaves.TryGetValue(page >> LeafShift, out ulong[]? leaf) ? leaf[page & (LeafPages - 1)] : Absent;

    /// <summary>Not safe beside other calls.</summary>
    public void Set(ulong page, ulong value)
    {
        ulong key = page >> LeafShift;
        if (key != _lastKey)
        {
            if (!_leaves.TryGetValue(key, out ulong[]? leaf))
            {
                if (value == Absent)
                    return;
                _leaves.Add(key, leaf = new ulong[LeafPages]);
            }
            (_lastKey, _lastLeaf) = (key, leaf);
        }
        ref ulong stored = ref _lastLeaf[page & (LeafPages - 1)];
        DataPages += (IsData(value) ? 1 : 0) - (IsData(stored) ? 1 : 0);
        ZeroPages += (value == Zero ? 1 : 0) - (stored == Zero ? 1 : 0);
        stored = value;
    }

    /// <summary>Every page that isn't <see cref="Absent"/>, ascending.</summary>
    public IEnumerable<(ulong Page, ulong Value)> Ascending()
    {
        ulong[] keys = [.. _leaves.Keys];
        Array.Sort(keys);
        foreach (ulong key in keys)
        {
            ulong[] leaf = _leaves[key];
            for (int i = 0; i < LeafPages; i++)
            {
                if (leaf[i] != Absent)
                    yield return ((key << LeafShift) + (ulong)i, leaf[i]);
            }
        }
    }

    /// <summary>Every page of <paramref name="range"/> that isn't absent, ascending; cheap for wide empty ranges.</summary>
    public IEnumerable<(ulong Page, ulong Value)> Within(PageRange range)
    {
        if (range.Count >> LeafShift > (ulong)_leaves.Count)
            return Ascending().SkipWhile(entry => entry.Page < range.First).TakeWhile(entry => entry.Page < range.End);
        return Walk();

        IEnumerable<(ulong Page, ulong Value)> Walk()
        {
            for (ulong page = range.First; page < range.End; page++)
            {
                ulong value = Get(page);
                if (value != Absent)
                    yield return (page, value);
            }
        }
    }

    /// <summary>Lays an increment over this whole map.</summary>
    public void Apply(PageMap increment)
    {
        foreach ((ulong key, ulong[] changes) in increment._leaves)
        {
            for (int i = 0; i < LeafPages; i++)
            {
                if (changes[i] != Absent)
                    Set((key << LeafShift) + (ulong)i, changes[i] == Dropped ? Absent : changes[i]);
            }
        }
    }

    /// <summary>A map that can change without this one.</summary>
    public PageMap Copy()
    {
        var copy = new PageMap { DataPages = DataPages, ZeroPages = ZeroPages };
        foreach ((ulong key, ulong[] leaf) in _leaves)
            copy._leaves.Add(key, (ulong[])leaf.Clone());
        return copy;
    }

    /// <summary>Ascending runs of pages in one state; data runs have consecutive slots of one segment.</summary>
    public IEnumerable<AddressRun> Runs()
    {
        AddressRun run = default;
        foreach ((ulong page, ulong value) in Ascending())
        {
            bool extends = run.Count > 0 && page == run.First + run.Count
                && (IsData(value) ? value == run.Value + run.Count && IsData(run.Value) && (uint)value != 0 : value == run.Value);
            if (extends)
            {
                run = run with { Count = run.Count + 1 };
                continue;
            }
            if (run.Count > 0)
                yield return run;
            run = new AddressRun(page, 1, value);
        }
        if (run.Count > 0)
            yield return run;
    }
}

/// <summary>Pages in one state.</summary>
/// <param name="First">First page.</param>
/// <param name="Count">Pages.</param>
/// <param name="Value">A mark of <see cref="PageMap"/>, or the address of the first page; the following have the following slots.</param>
internal readonly record struct AddressRun(ulong First, ulong Count, ulong Value);

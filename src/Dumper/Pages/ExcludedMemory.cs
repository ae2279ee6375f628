using Snap.Dumper.Collect;
using Snap.Image;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Pages;

/// <summary>What the user wants to be in no snapshot: its pages are never read. The mappings are still there after a restore, empty.</summary>
/// <remarks>To the rest of the tracer excluded memory isn't mapped: what it knew of the pages is dropped, and read anew when they are wanted again.</remarks>
internal sealed class ExcludedMemory
{
    private readonly List<MemoryPattern> _patterns = [];
    private readonly HashSet<MemoryPattern> _used = [];

    /// <summary>Excluded bytes of private mappings, of all looks since <see cref="StartCount"/>.</summary>
    public ulong Bytes { get; private set; }

    /// <summary>Excluded shared-memory objects, at the last look at them.</summary>
    public int Objects { get; private set; }

    /// <summary>Patterns that named nothing since <see cref="Begin"/>.</summary>
    public IEnumerable<MemoryPattern> Unused => _patterns.Where(pattern => !_used.Contains(pattern));

    /// <summary>True if anything is to be excluded.</summary>
    public bool IsWanted => _patterns.Count > 0;

    /// <summary>Starts an interval.</summary>
    /// <exception cref="ArgumentException">A text is no pattern.</exception>
    public void Begin(IReadOnlyList<string> texts)
    {
        _patterns.Clear();
        _used.Clear();
        foreach (string text in texts)
            _patterns.Add(MemoryPattern.TryParse(text, out MemoryPattern? pattern) ? pattern : throw new ArgumentException($"'{text}' names no memory", nameof(texts)));
    }

    /// <summary>What is excluded is counted from here on.</summary>
    public void StartCount() => Bytes = 0;

    /// <summary>Mappings, or parts of them, that are not excluded.</summary>
    public IReadOnlyList<MapsEntry> Without(IReadOnlyList<MapsEntry> mappings)
    {
        if (!IsWanted)
            return mappings;
        var left = new List<MapsEntry>(mappings.Count);
        foreach (MapsEntry entry in mappings)
        {
            if (entry.IsShared || entry.IsKernelProvided)
                left.Add(entry);
            else if (IsNamed(entry.Path, entry.Name.Label))
                Bytes += entry.Length;
            else
                AddOutsideRanges(entry, left);
        }

        return left;
    }

    /// <summary>Shared-memory objects, those that are excluded without their bytes.</summary>
    public IReadOnlyList<SharedObject> Without(IReadOnlyList<SharedObject> objects)
    {
        if (!IsWanted)
            return objects;
        var left = new List<SharedObject>(objects.Count);
        Objects = 0;
        foreach (SharedObject shared in objects)
        {
            bool isExcluded = IsNamed(shared.Name is { } name ? $"/memfd:{name}" : shared.Mapping?.Path ?? "", shared.Mapping?.Name.Label)
                || (shared.Mapping is { } mapping && IsTouched(PageRange.FromBytes(mapping.Start, mapping.End)));
            Objects += isExcluded ? 1 : 0;
            left.Add(isExcluded ? shared with { Length = 0 } : shared);
        }

        return left;
    }

    private bool IsNamed(string column, string? label)
    {
        bool isNamed = false;
        foreach (MemoryPattern pattern in _patterns)
        {
            if (!pattern.IsNameOf(column, label))
                continue;
            _used.Add(pattern);
            isNamed = true;
        }

        return isNamed;
    }

    private bool IsTouched(PageRange range)
    {
        foreach (MemoryPattern pattern in _patterns)
        {
            if (pattern.Range is not { } excluded || excluded.First >= range.End || range.First >= excluded.End)
                continue;
            _used.Add(pattern);
            return true;
        }

        return false;
    }

    private void AddOutsideRanges(in MapsEntry entry, List<MapsEntry> left)
    {
        ulong at = entry.Start;
        while (at < entry.End)
        {
            // The excluded range that comes next, or holds this place.
            (ulong start, ulong end) = (entry.End, entry.End);
            foreach (MemoryPattern pattern in _patterns)
            {
                if (pattern.Range is not { } range || range.End << PageRange.PageShift <= at || range.First << PageRange.PageShift >= entry.End)
                    continue;
                _used.Add(pattern);
                ulong first = Math.Max(at, range.First << PageRange.PageShift);
                if (first < start)
                    (start, end) = (first, Math.Min(entry.End, range.End << PageRange.PageShift));
            }

            if (at < start)
                left.Add(entry with { Start = at, End = start, Offset = entry.Inode == 0 ? entry.Offset : entry.Offset + (at - entry.Start) });
            Bytes += end - start;
            at = end;
        }
    }
}

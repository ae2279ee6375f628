using Snap.Image;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Pages;

/// <summary>Which private mappings lay where at the last scan, to see what vanished and what was replaced by something else since.</summary>
internal sealed class KnownMappings
{
    private List<Known> _known = [];

    private List<Known> _spare = [];

    /// <summary>What backs a private mapping: two mappings at one address with different values never share page content.</summary>
    private readonly record struct Known(PageRange Range, ulong Device, ulong Inode, ulong FilePageOfFirst)
    {
        public bool HasSameBacking(Known other) => Device == other.Device && Inode == other.Inode
            && (Inode == 0 || FilePageOfFirst - Range.First == other.FilePageOfFirst - other.Range.First);
    }

    /// <summary>Takes <paramref name="mappings"/> as the new state.</summary>
    /// <param name="mappings">Ascending; shared ones and the kernel's own are passed over.</param>
    /// <param name="gone">Receives pages that lay in a mapping and lie in none now, or in one of another file.</param>
    /// <param name="fresh">Receives pages that lay in no mapping and lie in one now.</param>
    public void Update(IReadOnlyList<MapsEntry> mappings, List<PageRange> gone, List<PageRange> fresh)
    {
        gone.Clear();
        fresh.Clear();
        _spare.Clear();
        int old = 0;
        ulong swept = 0;
        foreach (MapsEntry entry in mappings)
        {
            if (!IsTracked(entry))
                continue;
            var now = new Known(PageRange.FromBytes(entry.Start, entry.End), entry.Device.ToStat(), entry.Inode, entry.Offset >> PageRange.PageShift);
            ulong covered = now.Range.First;
            for (; old < _known.Count && _known[old].Range.First < now.Range.End; old++)
            {
                Known before = _known[old];
                AddPart(now.Range, covered, before.Range.First, fresh);
                covered = Math.Max(covered, before.Range.End);
                // The part before this mapping has nothing under it any more.
                AddPart(before.Range, swept, now.Range.First, gone);
                if (!before.HasSameBacking(now))
                    AddPart(before.Range, now.Range.First, now.Range.End, gone);
                if (before.Range.End > now.Range.End)
                    break;
            }

            AddPart(now.Range, covered, ulong.MaxValue, fresh);
            swept = now.Range.End;
            _spare.Add(now);
        }

        for (; old < _known.Count; old++)
            AddPart(_known[old].Range, swept, ulong.MaxValue, gone);
        (_known, _spare) = (_spare, _known);
    }

    /// <summary>True for mappings whose pages are looked after here: private memory that isn't the kernel's own.</summary>
    public static bool IsTracked(in MapsEntry entry) => !entry.IsShared && !entry.IsKernelProvided;

    private static void AddPart(PageRange range, ulong from, ulong to, List<PageRange> gone)
    {
        ulong first = Math.Max(range.First, from);
        ulong end = Math.Min(range.End, to);
        if (first < end)
            gone.Add(new PageRange(first, end - first));
    }
}

using System.Diagnostics;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Collect;

/// <summary>What smaps tells of mappings and maps doesn't (mlock, madvise, huge pages, protection keys), looked up for mappings seen a moment later.</summary>
/// <remarks>
/// The kernel walks every page to write smaps, 12 ms and more per GiB, so it is read while the target runs, and of large targets not at every
/// checkpoint: a reading that took long is used until it has cost at most a fiftieth of the time gone by.
/// </remarks>
internal sealed class MappingFlags
{
    private const int CostDivisor = 50;
    private static readonly TimeSpan Cheap = TimeSpan.FromMilliseconds(2);

    private List<SmapsEntry> _entries = [];
    private long _readAt;
    private TimeSpan _cost;

    /// <summary>All that was read, ascending.</summary>
    public IReadOnlyList<SmapsEntry> Entries => _entries;

    /// <summary>Reads smaps, unless the last reading is dear and recent.</summary>
    /// <returns>False if the process is gone.</returns>
    public bool TryRefresh(int pid)
    {
        if (_entries.Count > 0 && _cost > Cheap && Stopwatch.GetElapsedTime(_readAt) < _cost * CostDivisor)
            return true;
        return TryRead(pid);
    }

    /// <summary>Reads smaps.</summary>
    /// <returns>False if the process is gone.</returns>
    public bool TryRead(int pid)
    {
        long start = Stopwatch.GetTimestamp();
        List<SmapsEntry>? read = TaskFiles.OfProcess(pid).ReadSmaps();
        if (read is null)
            return false;
        (_entries, _readAt, _cost) = (read, Stopwatch.GetTimestamp(), Stopwatch.GetElapsedTime(start));
        return true;
    }

    /// <summary>What was read of the mapping that <paramref name="mapping"/> is, or grew out of, or is a part of; null if nothing lay there.</summary>
    public SmapsEntry? Find(in MapsEntry mapping)
    {
        int low = 0, high = _entries.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_entries[middle].Mapping.End <= mapping.Start)
                low = middle + 1;
            else
                high = middle;
        }

        for (; low < _entries.Count && _entries[low].Mapping.Start < mapping.End; low++)
        {
            if (IsSame(_entries[low].Mapping, mapping))
                return _entries[low];
        }

        return null;
    }

    // mprotect doesn't change the other flags, so the protection may differ.
    private static bool IsSame(in MapsEntry before, in MapsEntry now) => before.IsShared == now.IsShared && before.Inode == now.Inode
        && before.Device == now.Device && (before.Inode == 0 || before.Offset - before.Start == now.Offset - now.Start);
}

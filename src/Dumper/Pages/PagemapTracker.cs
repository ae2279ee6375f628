using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracking;

namespace Snap.Dumper.Pages;

/// <summary>Dirty pages by the entries of /proc/PID/pagemap: soft-dirty where the kernel has it, else everything that is there, for a comparison of bytes.</summary>
/// <remarks>
/// Soft-dirty's rule: a page is dirty if its soft-dirty bit is set, or if the rest of its entry, frame number included, differs from the last
/// scan's. The second half sees what no bit shows: a page dropped by madvise, dropped and read again (the page of zeros), or back to
/// its file. It may report a page that the kernel has only moved. Without frame numbers (CAP_SYS_ADMIN) the rule isn't exact, and this tracker
/// must not be used. Bits are cleared only while the target stands still, after all that was reported has been copied.
/// </remarks>
internal sealed class PagemapTracker : IDirtyTracker
{
    private const int ChunkPages = 512;

    private static readonly PageScan _lookThere = new()
    {
        AnyOf = PageCategories.Present | PageCategories.Swapped, Return = PageCategories.Present | PageCategories.Swapped,
    };

    private readonly int _pid;
    private readonly PageMap _pagemap;
    private readonly bool _hasScan;
    private readonly KnownMappings _mappings = new();
    private readonly List<PageRange> _gone = [];
    private readonly List<PageRange> _fresh = [];
    private readonly PageRegion[] _found = new PageRegion[8 * 1024];
    private readonly PageRegion[] _looked = new PageRegion[1024];
    private readonly ulong[] _entries = new ulong[64 * ChunkPages];
    private Dictionary<ulong, ulong[]> _known = [];
    private Dictionary<ulong, ulong[]> _next = [];

    /// <summary>Tracks process <paramref name="pid"/>.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="kind"><see cref="TrackerKind.SoftDirty"/> or <see cref="TrackerKind.Compare"/>.</param>
    public PagemapTracker(int pid, TrackerKind kind)
    {
        _pid = pid;
        Kind = kind;
        _pagemap = PageMap.Open(pid);
        _hasScan = _pagemap.TryScan(0, 4096, _lookThere, _found, out _).Errno != Errno.ENOTTY;
    }

    /// <inheritdoc/>
    public TrackerKind Kind { get; }

    /// <inheritdoc/>
    public bool HasLivePasses => false;

    /// <summary>True if this process may see frame numbers, which soft-dirty's rule needs.</summary>
    public static bool SeesFrameNumbers { get; } = ProbeFrameNumbers();

    /// <inheritdoc/>
    public void ScanLive(IReadOnlyList<MapsEntry> mappings, PageChanges changes) =>
        throw new InvalidOperationException("soft-dirty bits can't be got and cleared in one step, so there are no live passes");

    /// <inheritdoc/>
    public void ScanFrozen(IReadOnlyList<MapsEntry> mappings, PageChanges changes)
    {
        _mappings.Update(mappings, _gone, _fresh);
        changes.Dropped.AddRange(_gone);
        if (Kind == TrackerKind.Compare)
            _known.Clear();
        foreach (PageRange gone in _gone)
            Forget(gone);
        _next.Clear();
        HashSet<ulong>? empty = _hasScan ? null : EmptyMappings();
        for (int i = 0; i < mappings.Count; i++)
        {
            MapsEntry mapping = mappings[i];
            if (!KnownMappings.IsTracked(mapping))
                continue;
            PageRange range = PageRange.FromBytes(mapping.Start, mapping.End);
            if (Kind == TrackerKind.Compare)
                changes.Dropped.Add(range);
            if (empty is null)
                ScanPresent(range, mapping.Inode != 0, changes);
            else if (!empty.Contains(mapping.Start))
                ScanEntries(range, mapping.Inode != 0, changes);
            DropVanished(range, changes);
        }

        (_known, _next) = (_next, _known);
    }

    /// <inheritdoc/>
    public void Look(PageRange range, bool isFile, PageChanges changes)
    {
        ulong at = range.First;
        if (!_hasScan)
        {
            LookAtEntries(range, isFile, changes);
            return;
        }

        var walk = new RegionWalk(_pagemap, range, _lookThere, _looked);
        while (walk.TryNext(out PageRange there, out _))
        {
            AddDropped(new PageRange(at, there.First - at), changes);
            LookAtEntries(there, isFile, changes);
            at = there.End;
        }

        AddDropped(new PageRange(at, range.End - at), changes);
    }

    /// <inheritdoc/>
    public void CopiedAssumeFrozen()
    {
        if (Kind == TrackerKind.SoftDirty)
            SoftDirty.ClearAssumeFrozen(_pid);
    }

    /// <inheritdoc/>
    public void Dispose() => _pagemap.Dispose();

    private void LookAtEntries(PageRange range, bool isFile, PageChanges changes)
    {
        ulong holeFrom = range.First;
        for (ulong page = range.First; page < range.End;)
        {
            int got = ReadEntries(page, range.End);
            for (int i = 0; i < got; i++, page++)
            {
                if (!IsContent(_entries[i], isFile))
                    continue;
                AddDropped(new PageRange(holeFrom, page - holeFrom), changes);
                changes.Written.Add(new PageRange(page, 1));
                holeFrom = page + 1;
            }
        }

        AddDropped(new PageRange(holeFrom, range.End - holeFrom), changes);
    }

    private static void AddDropped(PageRange range, PageChanges changes)
    {
        if (range.Count > 0)
            changes.Dropped.Add(range);
    }

    private void ScanPresent(PageRange range, bool isFile, PageChanges changes)
    {
        var walk = new RegionWalk(_pagemap, range, _lookThere, _found);
        while (walk.TryNext(out PageRange there, out _))
            ScanEntries(there, isFile, changes);
    }

    private int ReadEntries(ulong page, ulong end)
    {
        int wanted = (int)Math.Min(end - page, (ulong)_entries.Length);
        int got = _pagemap.ReadEntries(page << PageRange.PageShift, _entries.AsSpan(0, wanted));
        return got > 0 ? got : throw new KernelException(Errno.ESRCH, "read pagemap");
    }

    private void ScanEntries(PageRange range, bool isFile, PageChanges changes)
    {
        for (ulong page = range.First; page < range.End;)
        {
            int got = ReadEntries(page, range.End);
            for (int i = 0; i < got; i++)
            {
                if (_entries[i] != 0)
                    Judge(page + (ulong)i, _entries[i], isFile, changes);
            }

            page += (ulong)got;
        }
    }

    private void Judge(ulong page, ulong entry, bool isFile, PageChanges changes)
    {
        if (!IsContent(entry, isFile))
            return;
        ulong state = (entry & ~PageMap.SoftDirtyBit) | 1UL << 56;
        ulong before = Known(_known, page);
        Chunk(_next, page)[page % ChunkPages] = state;
        if ((entry & PageMap.SoftDirtyBit) != 0 || Comparable(state) != Comparable(before))
            changes.Written.Add(new PageRange(page, 1));
    }

    private static bool IsContent(ulong entry, bool isFile) =>
        (entry & (PageMap.PresentBit | PageMap.SwappedBit)) != 0 && (entry & PageMap.GuardBit) == 0 && !(isFile && (entry & PageMap.FileBit) != 0);

    // Bit 56 (exclusively mapped) changes when another process maps or unmaps the page; bits 57-60 are of no interest. Bit 56 of ours is "known".
    private static ulong Comparable(ulong entry) => entry & (PageMap.PresentBit | PageMap.SwappedBit | PageMap.FileBit | PageMap.FrameMask | 1UL << 56);

    private void DropVanished(PageRange range, PageChanges changes)
    {
        ulong first = range.First / ChunkPages;
        ulong last = (range.End - 1) / ChunkPages;
        if (last - first > (ulong)_known.Count)
        {
            foreach (ulong chunk in _known.Keys.Where(key => key >= first && key <= last).Order().ToList())
                DropVanishedIn(chunk, range, changes);
            return;
        }

        for (ulong chunk = first; chunk <= last; chunk++)
            DropVanishedIn(chunk, range, changes);
    }

    private void DropVanishedIn(ulong chunk, PageRange range, PageChanges changes)
    {
        if (!_known.TryGetValue(chunk, out ulong[]? before))
            return;
        _next.TryGetValue(chunk, out ulong[]? after);
        for (ulong i = 0; i < ChunkPages; i++)
        {
            ulong page = (chunk * ChunkPages) + i;
            if (before[i] != 0 && (after is null || after[i] == 0) && range.Contains(page))
                changes.Dropped.Add(new PageRange(page, 1));
        }
    }

    private void Forget(PageRange range)
    {
        foreach (ulong chunk in _known.Keys.Where(key => key * ChunkPages < range.End && (key + 1) * ChunkPages > range.First).ToList())
        {
            ulong[] entries = _known[chunk];
            for (ulong i = 0; i < ChunkPages; i++)
            {
                if (range.Contains((chunk * ChunkPages) + i))
                    entries[i] = 0;
            }
        }
    }

    // Kernels before 6.7 give an entry of 8 bytes for every page of a mapping, present or not: 512 MiB of them for the 256 GiB that .NET reserves.
    private HashSet<ulong> EmptyMappings()
    {
        byte[] smaps = File.ReadAllBytes($"/proc/{_pid}/smaps");
        return [.. SmapsParser.Parse(smaps).Where(entry => entry.Rss == 0 && entry.Swap == 0).Select(entry => entry.Mapping.Start)];
    }

    private static ulong Known(Dictionary<ulong, ulong[]> chunks, ulong page) =>
        chunks.TryGetValue(page / ChunkPages, out ulong[]? entries) ? entries[page % ChunkPages] : 0;

    private static ulong[] Chunk(Dictionary<ulong, ulong[]> chunks, ulong page)
    {
        if (!chunks.TryGetValue(page / ChunkPages, out ulong[]? entries))
            chunks.Add(page / ChunkPages, entries = new ulong[ChunkPages]);
        return entries;
    }

    private static bool ProbeFrameNumbers()
    {
        using MappedMemory memory = MappedMemory.Anonymous(4096);
        memory.At<byte>(0) = 1;
        using PageMap own = PageMap.Open(Environment.ProcessId);
        Span<ulong> entry = stackalloc ulong[1];
        own.ReadEntries(memory.Address, entry);
        return (entry[0] & PageMap.FrameMask) != 0;
    }
}

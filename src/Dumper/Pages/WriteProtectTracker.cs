using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Procfs;
using Snap.Kernel.Syscalls;
using Snap.Kernel.Tracking;

namespace Snap.Dumper.Pages;

/// <summary>Dirty pages by userfaultfd write-protect (asynchronous) and PAGEMAP_SCAN.</summary>
/// <remarks>
/// The rule, by kind of private mapping; docs/kernel.md has the reasons.
/// <list type="number">
/// <item>What isn't registered is new (mmap, mremap, exec, a second heap mapping): forget its old pages, register, take all that is there. So is
/// what the list of mappings shows to be new, and what a scan broke off in.</item>
/// <item>Anonymous, in 2 MiB extents known to be populated: one scan for Written alone. It also reports pages that were dropped (an empty
/// entry counts as written) and puts markers into holes, so that they are reported once. What is reported is read: a hole reads as zeros.</item>
/// <item>Anonymous, elsewhere: a scan for Written among Present or Swapped, which makes no page tables; it tells which extents are populated now.</item>
/// <item>Private file mappings: the same scan; then those that show as File are the file's own. Pages known to be private copies are
/// looked at again in the freeze: a dropped one is back to its file and shows in no scan for Written.</item>
/// </list>
/// All of it is valid while the target runs, too: getting and clearing is one step, and whatever changes after it is reported by the next scan.
/// </remarks>
internal sealed partial class WriteProtectTracker : IDirtyTracker
{
    // Huge-page size: markers and page tables come in these.
    private const int ExtentShift = 9;

    // Longer runs are looked at before they are read: they may be holes, and reading a hole would fill it with zero pages.
    private const ulong LongRun = 16;

    private const PageCategories There = PageCategories.Present | PageCategories.Swapped;

    private static readonly PageScan _takeWritten = new()
    {
        Mask = PageCategories.Written, Return = PageCategories.Written, Protect = true, RequireRegistered = true,
    };

    private static readonly PageScan _takeWrittenThere = new()
    {
        Mask = PageCategories.Written, AnyOf = There, Return = There | PageCategories.ZeroPage | PageMap.GuardIfKnown,
        Protect = true, RequireRegistered = true,
    };

    private static readonly PageScan _protectWritten = new()
    {
        Mask = PageCategories.Written, AnyOf = There, Return = There, Protect = true,
    };

    private static readonly PageScan _lookThere = new() { AnyOf = There, Return = There | PageCategories.ZeroPage | PageMap.GuardIfKnown };

    private static readonly PageScan _lookAtFile = new() { AnyOf = There, Return = There | PageCategories.File };

    private static readonly PageScan _lookProtected = new()
    {
        Mask = PageCategories.Written | PageCategories.Present, Inverted = PageCategories.Written, Return = PageCategories.Present,
    };

    private readonly Userfaultfd _userfaultfd;
    private readonly PageMap _pagemap;
    private readonly KnownMappings _mappings = new();
    private readonly PageSet _populatedExtents = new();
    private readonly PageSet _privateFilePages = new();
    private readonly PageRegion[] _found = new PageRegion[32 * 1024];
    private readonly PageRegion[] _looked = new PageRegion[4 * 1024];
    private readonly ulong[] _entries = new ulong[4 * 1024];
    private readonly List<PageRange> _gone = [];
    private readonly List<PageRange> _fresh = [];

    // Ranges whose registration says nothing: listed for the first time, of another file than before, or left unfinished by the scan before.
    private readonly PageSet _suspect = new();
    private readonly List<PageRange> _unfinished = [];
    private readonly List<(PageRange Piece, bool IsInside)> _parts = [];
    private readonly List<(PageRange Piece, bool IsInside)> _pieces = [];

    /// <summary>Tracks the address space that <paramref name="userfaultfd"/> was made in.</summary>
    public WriteProtectTracker(int pid, Userfaultfd userfaultfd)
    {
        _userfaultfd = userfaultfd;
        _pagemap = PageMap.Open(pid);
    }

    /// <inheritdoc/>
    public TrackerKind Kind => TrackerKind.WriteProtect;

    /// <inheritdoc/>
    public bool HasLivePasses => true;

    /// <inheritdoc/>
    public void ScanLive(IReadOnlyList<MapsEntry> mappings, PageChanges changes) => Scan(mappings, changes, isFrozen: false);

    /// <inheritdoc/>
    public void ScanFrozen(IReadOnlyList<MapsEntry> mappings, PageChanges changes) => Scan(mappings, changes, isFrozen: true);

    /// <inheritdoc/>
    public void Look(PageRange range, bool isFile, PageChanges changes)
    {
        if (isFile)
            AddFileRun(range, changes);
        else
            AddLongRun(range, changes);
    }

    /// <inheritdoc/>
    public void CopiedAssumeFrozen()
    {
        // Scans have cleared what they reported already.
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _userfaultfd.Dispose();
        _pagemap.Dispose();
    }

    private void Scan(IReadOnlyList<MapsEntry> mappings, PageChanges changes, bool isFrozen)
    {
        _mappings.Update(mappings, _gone, _fresh);
        foreach (PageRange gone in _gone)
        {
            Forget(gone, changes);
            _suspect.Add(gone);
        }

        foreach (PageRange fresh in _fresh)
            _suspect.Add(fresh);
        _unfinished.Clear();
        int at = 0;
        try
        {
            for (; at < mappings.Count; at++)
            {
                if (KnownMappings.IsTracked(mappings[at]))
                    ScanMapping(PageRange.FromBytes(mappings[at].Start, mappings[at].End), mappings[at].Inode != 0, isFrozen, changes);
            }

            _suspect.Clear();
        }
        finally
        {
            // A scan that failed has protected pages that it didn't report.
            if (at < mappings.Count)
                _suspect.Add(PageRange.FromBytes(mappings[at].Start, mappings[at].End));
            foreach (PageRange range in _unfinished)
                _suspect.Add(range);
        }
    }

    // A mapping that has grown is scanned where it was, and taken whole only where it is new.
    private void ScanMapping(PageRange range, bool isFile, bool isFrozen, PageChanges changes)
    {
        _suspect.Split(range, _parts);
        foreach ((PageRange part, bool isSuspect) in _parts)
        {
            if (isSuspect || TryScanKnown(part, isFile, isFrozen, changes))
                continue;
            TakeNew(range, isFile, isFrozen, changes);
            return;
        }

        foreach ((PageRange part, bool isSuspect) in _parts)
        {
            if (isSuspect)
                TakeNew(part, isFile, isFrozen, changes);
        }
    }

    private bool TryScanKnown(PageRange range, bool isFile, bool isFrozen, PageChanges changes) =>
        isFile ? TryScanFile(range, isFrozen, changes) : TryScanAnonymous(range, changes);

    // The kernel may refuse to track it, or not let us finish: then all of it, each time, and only when nothing can change under our hands.
    private void TakeNew(PageRange range, bool isFile, bool isFrozen, PageChanges changes)
    {
        SyscallResult registered = _userfaultfd.TryRegister(ToBytes(range));
        if (registered.Errno == Errno.ESRCH)
            registered.OrThrow("register memory for tracking");
        Forget(range, changes);
        if (registered.IsError || !TryProtectAll(range))
            _unfinished.Add(range);
        if (!registered.IsError || isFrozen)
            TakeAll(range, isFile, changes);
    }

    /// <summary>Protects every page that is there. What is taken after that and then written is seen by the next scan.</summary>
    /// <returns>False if the range has changed under our hands.</returns>
    /// <remarks>
    /// A scan protects only what counts as written, and that isn't enough: a page may carry the mark of protection and be writable. The kernel makes such
    /// pages when mremap moves a mapping up to a neighbour. The two merge, the registration of both ends, but the neighbour's pages keep their
    /// marks; and a write to a marked page of an unregistered mapping makes it writable and leaves the mark (Linux before 6.13 kept the marks of
    /// the moved pages as well). Registered again, such a page is never reported: it is clean by its mark, and writing to it faults no more.
    /// </remarks>
    private bool TryProtectAll(PageRange range)
    {
        new RegionWalk(_pagemap, range, _protectWritten, _found).TryFinish();
        bool areAll = true;
        var walk = new RegionWalk(_pagemap, range, _lookProtected, _found);
        while (walk.TryNext(out PageRange marked, out _))
            areAll &= !_userfaultfd.TryProtect(ToBytes(marked)).IsError;
        return areAll;
    }

    private void TakeAll(PageRange range, bool isFile, PageChanges changes)
    {
        var walk = new RegionWalk(_pagemap, range, isFile ? _lookAtFile : _lookThere, _found);
        while (walk.TryNext(out PageRange run, out PageCategories categories))
        {
            if (isFile)
                AddFilePages(run, categories, changes);
            else
                AddThere(run, categories, changes);
        }
    }

    private void Forget(PageRange range, PageChanges changes)
    {
        changes.Written.Remove(range);
        changes.Zeroed.Remove(range);
        changes.Dropped.Add(range);
        _privateFilePages.Remove(range);
        // Only extents that lie in it whole: the others may hold pages of a neighbour, whose drops only the scan for Written alone sees.
        ulong first = (range.First + (1UL << ExtentShift) - 1) >> ExtentShift;
        ulong end = range.End >> ExtentShift;
        if (first < end)
            _populatedExtents.Remove(new PageRange(first, end - first));
    }

    private bool TryScanAnonymous(PageRange range, PageChanges changes)
    {
        ulong firstExtent = range.First >> ExtentShift;
        ulong endExtent = ((range.End - 1) >> ExtentShift) + 1;
        _populatedExtents.Split(new PageRange(firstExtent, endExtent - firstExtent), _pieces);
        foreach ((PageRange extents, bool isPopulated) in _pieces)
        {
            ulong first = Math.Max(extents.First << ExtentShift, range.First);
            ulong end = Math.Min(extents.End << ExtentShift, range.End);
            var part = new PageRange(first, end - first);
            if (!(isPopulated ? TryTakeWritten(part, changes) : TryTakeWrittenThere(part, changes)))
                return false;
        }

        return true;
    }

    private bool TryTakeWritten(PageRange range, PageChanges changes)
    {
        var walk = new RegionWalk(_pagemap, range, _takeWritten, _found);
        while (walk.TryNext(out PageRange run, out _))
        {
            if (run.Count < LongRun)
                changes.Written.Add(run);
            else
                AddLongRun(run, changes);
        }

        return !walk.IsRefused;
    }

    private bool TryTakeWrittenThere(PageRange range, PageChanges changes)
    {
        var walk = new RegionWalk(_pagemap, range, _takeWrittenThere, _found);
        while (walk.TryNext(out PageRange run, out PageCategories categories))
            AddThere(run, categories, changes);
        return !walk.IsRefused;
    }

    // Holes between what is there now. A page that appears after this look is written anew, and reported by the next scan.
    private void AddLongRun(PageRange run, PageChanges changes)
    {
        ulong at = run.First;
        var walk = new RegionWalk(_pagemap, run, _lookThere, _looked);
        while (walk.TryNext(out PageRange there, out PageCategories categories))
        {
            changes.Zeroed.Add(new PageRange(at, there.First - at));
            AddContent(there, categories, changes);
            at = there.End;
        }

        changes.Zeroed.Add(new PageRange(at, run.End - at));
    }

    private void AddThere(PageRange run, PageCategories categories, PageChanges changes)
    {
        ulong first = run.First >> ExtentShift;
        _populatedExtents.Add(new PageRange(first, ((run.End - 1) >> ExtentShift) + 1 - first));
        AddContent(run, categories, changes);
    }

    // Guard pages can't be read, and are zero once the guard is gone.
    private void AddContent(PageRange run, PageCategories categories, PageChanges changes)
    {
        if ((categories & (PageCategories.ZeroPage | PageCategories.Guard)) != 0)
            changes.Zeroed.Add(run);
        else if ((categories & PageCategories.Present) != 0)
            changes.Written.Add(run);
        else
            AddSwapped(run, isFile: false, changes);
    }

    // What shows as swapped may be in swap, or a marker in a hole: to read 100 MiB of those because they were dropped would make for a long pause.
    private void AddSwapped(PageRange run, bool isFile, PageChanges changes)
    {
        for (ulong page = run.First; page < run.End;)
        {
            int got = _pagemap.ReadEntries(page << PageRange.PageShift, _entries.AsSpan(0, (int)Math.Min(run.End - page, (ulong)_entries.Length)));
            if (got == 0)
                throw new KernelException(Errno.ESRCH, "read pagemap");
            for (int i = 0; i < got;)
            {
                bool isHole = Userfaultfd.IsHoleMarker(_entries[i]);
                int start = i++;
                while (i < got && Userfaultfd.IsHoleMarker(_entries[i]) == isHole)
                    i++;
                var piece = new PageRange(page + (ulong)start, (ulong)(i - start));
                if (isFile && isHole)
                    DropPrivate(piece, changes);
                else if (isFile)
                    AddPrivate(piece, changes);
                else
                    (isHole ? changes.Zeroed : changes.Written).Add(piece);
            }

            page += (ulong)got;
        }
    }

    private static RemoteRange ToBytes(PageRange range) =>
        new(new RemoteAddress(range.First << PageRange.PageShift), range.Count << PageRange.PageShift);
}

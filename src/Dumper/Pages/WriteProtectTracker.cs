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
/// <item>A mapping that isn't registered is new (mmap, mremap, exec, a second heap mapping): forget its old pages, register, take all that is there.</item>
/// <item>Anonymous, in 2 MiB extents known to be populated: one scan for Written alone. It also reports pages that were dropped (an empty
/// entry counts as written) and puts markers into holes, so that they are reported once. What is reported is read: a hole reads as zeros.</item>
/// <item>Anonymous, elsewhere: a scan for Written among Present or Swapped, which makes no page tables; it tells which extents are populated now.</item>
/// <item>Private file mappings: the same scan; then those that show as File are the file's own. Pages known to be private copies are
/// looked at again in the freeze: a dropped one is back to its file and shows in no scan for Written.</item>
/// </list>
/// All of it is valid while the target runs, too: getting and clearing is one step, and whatever changes after it is reported by the next scan.
/// </remarks>
internal sealed class WriteProtectTracker : IDirtyTracker
{
    // Huge-page size: markers and page tables come in these.
    private const int ExtentShift = 9;

    // Longer runs are looked at before they are read: they may be holes, and reading a hole would fill it with zero pages.
    private const ulong LongRun = 16;

    private static readonly PageScan _takeWritten = new()
    {
        Mask = PageCategories.Written, Return = PageCategories.Written, Protect = true, RequireRegistered = true,
    };

    private static readonly PageScan _takeWrittenPresent = new()
    {
        Mask = PageCategories.Written, AnyOf = PageCategories.Present | PageCategories.Swapped,
        Return = PageCategories.Present | PageCategories.Swapped | PageCategories.ZeroPage, Protect = true, RequireRegistered = true,
    };

    private static readonly PageScan _lookPresent = new()
    {
        AnyOf = PageCategories.Present | PageCategories.Swapped,
        Return = PageCategories.Present | PageCategories.Swapped | PageCategories.ZeroPage,
    };

    private static readonly PageScan _lookAtFile = new()
    {
        AnyOf = PageCategories.Present | PageCategories.Swapped,
        Return = PageCategories.Present | PageCategories.Swapped | PageCategories.File,
    };

    private readonly Userfaultfd _userfaultfd;
    private readonly PageMap _pagemap;
    private readonly KnownMappings _mappings = new();
    private readonly PageSet _populatedExtents = new();
    private readonly PageSet _privateFilePages = new();
    private readonly PageRegion[] _found = new PageRegion[32 * 1024];
    private readonly PageRegion[] _looked = new PageRegion[4 * 1024];
    private readonly List<PageRange> _gone = [];
    private readonly List<PageRange> _fresh = [];

    // Ranges whose registration says nothing: mappings listed for the first time, of another file than before, or that a pass could not finish.
    private readonly PageSet _suspect = new();
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
        var late = new List<PageRange>();
        for (int i = 0; i < mappings.Count; i++)
        {
            MapsEntry mapping = mappings[i];
            if (!KnownMappings.IsTracked(mapping))
                continue;
            PageRange range = PageRange.FromBytes(mapping.Start, mapping.End);
            bool isFile = mapping.Inode != 0;
            if (!_suspect.Intersects(range) && TryScanMapping(range, isFile, isFrozen, changes))
                continue;
            // The kernel may refuse to track it: all of it, each time, and only when nothing can change under our hands.
            if (TryRegister(range) || isFrozen)
                TakeAll(range, isFile, changes);
            else
                late.Add(range);
        }

        _suspect.Clear();
        foreach (PageRange range in late)
            _suspect.Add(range);
    }

    private bool TryScanMapping(PageRange range, bool isFile, bool isFrozen, PageChanges changes) =>
        isFile ? TryScanFile(range, isFrozen, changes) : TryScanAnonymous(range, changes);

    private bool TryRegister(PageRange range)
    {
        SyscallResult registered = _userfaultfd.TryRegister(new RemoteRange(new RemoteAddress(range.First << PageRange.PageShift),
            range.Count << PageRange.PageShift));
        if (registered.Errno == Errno.ESRCH)
            registered.OrThrow("register memory for tracking");
        return !registered.IsError;
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
        _pieces.Clear();
        _pieces.AddRange(_populatedExtents.Split(new PageRange(firstExtent, endExtent - firstExtent)));
        foreach ((PageRange extents, bool isPopulated) in _pieces)
        {
            ulong first = Math.Max(extents.First << ExtentShift, range.First);
            ulong end = Math.Min(extents.End << ExtentShift, range.End);
            var part = new PageRange(first, end - first);
            if (!(isPopulated ? TryTakeWritten(part, changes) : TryTakeWrittenPresent(part, changes)))
                return false;
        }

        return true;
    }

    private bool TryTakeWritten(PageRange range, PageChanges changes) => TryWalk(range, _takeWritten, _found, region =>
    {
        PageRange run = PageRange.FromBytes(region.Start, region.End);
        if (run.Count < LongRun)
            changes.Written.Add(run);
        else
            AddLongRun(run, changes);
    });

    private void AddLongRun(PageRange run, PageChanges changes)
    {
        // Holes first, as one; what is there then overrides. A page that appears after this look is written anew, and reported by the next scan.
        ulong at = run.First;
        TryWalk(run, _lookPresent, _looked, region =>
        {
            PageRange present = PageRange.FromBytes(region.Start, region.End);
            AddZero(new PageRange(at, present.First - at), changes);
            if ((region.Categories & PageCategories.ZeroPage) != 0)
                AddZero(present, changes);
            else
                changes.Written.Add(present);
            at = present.End;
        });
        AddZero(new PageRange(at, run.End - at), changes);
    }

    private static void AddZero(PageRange range, PageChanges changes)
    {
        if (range.Count > 0)
            changes.Zeroed.Add(range);
    }

    private bool TryTakeWrittenPresent(PageRange range, PageChanges changes) => TryWalk(range, _takeWrittenPresent, _found, region =>
        AddPresent(PageRange.FromBytes(region.Start, region.End), changes));

    private bool TryScanFile(PageRange range, bool isFrozen, PageChanges changes)
    {
        if (!TryWalk(range, _takeWrittenPresent, _found, region => AddFileRun(PageRange.FromBytes(region.Start, region.End), changes)))
            return false;
        if (isFrozen)
            DropRevertedFilePages(range, changes);
        return true;
    }

    // Of what was written or has just come in, the file's own pages are not ours to keep.
    private void AddFileRun(PageRange run, PageChanges changes)
    {
        ulong at = run.First;
        TryWalk(run, _lookAtFile, _looked, region =>
        {
            PageRange part = PageRange.FromBytes(region.Start, region.End);
            DropPrivate(new PageRange(at, part.First - at), changes);
            at = part.End;
            if ((region.Categories & PageCategories.File) != 0)
            {
                DropPrivate(part, changes);
                return;
            }

            AddPrivate(part, changes);
        });
        DropPrivate(new PageRange(at, run.End - at), changes);
    }

    private void DropRevertedFilePages(PageRange range, PageChanges changes)
    {
        var known = new List<PageRange>();
        _privateFilePages.ForEachWithin(range, known.Add);
        foreach (PageRange run in known)
        {
            ulong at = run.First;
            TryWalk(run, _lookAtFile, _looked, region =>
            {
                PageRange part = PageRange.FromBytes(region.Start, region.End);
                DropPrivate(new PageRange(at, part.First - at), changes);
                at = part.End;
                if ((region.Categories & PageCategories.File) != 0)
                    DropPrivate(part, changes);
                else if ((region.Categories & PageCategories.Present) == 0)
                    changes.Written.Add(part); // swapped out, or a marker left where a copy was dropped: no category tells which
            });
            DropPrivate(new PageRange(at, run.End - at), changes);
        }
    }

    private void DropPrivate(PageRange range, PageChanges changes)
    {
        if (range.Count == 0)
            return;
        changes.Dropped.Add(range);
        changes.Written.Remove(range);
        _privateFilePages.Remove(range);
    }

    // Protects first and looks then, so that a write between the two is seen by the next scan. What was known of the range doesn't count:
    // while the target runs, a part of it may be what it was, protected and clean, and another part a new mapping.
    private void TakeAll(PageRange range, bool isFile, PageChanges changes)
    {
        Forget(range, changes);
        TryWalk(range, _takeWrittenPresent with { RequireRegistered = false }, _found, static _ => { });
        TryWalk(range, isFile ? _lookAtFile : _lookPresent, _found, region =>
        {
            PageRange run = PageRange.FromBytes(region.Start, region.End);
            if (!isFile)
                AddPresent(run, changes);
            else if ((region.Categories & PageCategories.File) == 0)
                AddPrivate(run, changes);
        });
    }

    private void AddPresent(PageRange run, PageChanges changes)
    {
        ulong first = run.First >> ExtentShift;
        _populatedExtents.Add(new PageRange(first, ((run.End - 1) >> ExtentShift) + 1 - first));
        changes.Written.Add(run);
    }

    private void AddPrivate(PageRange run, PageChanges changes)
    {
        _privateFilePages.Add(run);
        changes.Written.Add(run);
    }

    /// <summary>Scans a range to its end, however often the kernel returns early.</summary>
    /// <returns>False if it lies in a mapping that isn't registered.</returns>
    private bool TryWalk(PageRange range, in PageScan scan, PageRegion[] buffer, Action<PageRegion> each)
    {
        ulong at = range.First << PageRange.PageShift;
        ulong end = range.End << PageRange.PageShift;
        while (at < end)
        {
            SyscallResult result = _pagemap.TryScan(at, end, scan, buffer, out ulong walkEnd);
            if (result.Errno == Errno.EPERM)
                return false;
            int count = (int)result.OrThrow("scan pagemap");
            for (int i = 0; i < count; i++)
                each(buffer[i]);
            at = walkEnd;
        }

        return true;
    }
}

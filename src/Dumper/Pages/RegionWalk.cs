using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Syscalls;
using Snap.Kernel.Tracking;

namespace Snap.Dumper.Pages;

/// <summary>Goes through the regions of one PAGEMAP_SCAN over a range, to its end, however often the kernel returns early. Allocates nothing.</summary>
/// <param name="pagemap">The target's.</param>
/// <param name="range">What to scan.</param>
/// <param name="scan">What to look for.</param>
/// <param name="buffer">Holds the regions of one call; a walk within a walk needs another one.</param>
internal ref struct RegionWalk(PageMap pagemap, PageRange range, PageScan scan, PageRegion[] buffer)
{
    private readonly ulong _end = range.End << PageRange.PageShift;
    private ulong _at = range.First << PageRange.PageShift;
    private int _count, _next;

    /// <summary>True once the walk has ended early, at a mapping that isn't registered.</summary>
    /// <remarks>The kernel then keeps what the last call found, and has protected, to itself: the range has to be taken whole.</remarks>
    public bool IsRefused { get; private set; }

    /// <summary>The next region, ascending.</summary>
    /// <returns>False at the end of the range, or if the walk was refused.</returns>
    /// <exception cref="Kernel.KernelException">ESRCH: the target is gone.</exception>
    public bool TryNext(out PageRange run, out PageCategories categories)
    {
        while (_next == _count)
        {
            if (_at >= _end)
            {
                (run, categories) = (default, default);
                return false;
            }

            SyscallResult result = pagemap.TryScan(_at, _end, scan, buffer, out ulong walkEnd);
            IsRefused = result.Errno == Errno.EPERM;
            _next = 0;
            _count = IsRefused ? 0 : (int)result.OrThrow("scan pagemap");
            _at = IsRefused ? _end : walkEnd;
        }

        PageRegion region = buffer[_next++];
        run = PageRange.FromBytes(region.Start, region.End);
        categories = region.Categories;
        return true;
    }

    /// <summary>Runs a scan only for what it does, not for what it finds.</summary>
    /// <returns>False if it was refused.</returns>
    public bool TryFinish()
    {
        while (TryNext(out _, out _))
        {
        }

        return !IsRefused;
    }
}

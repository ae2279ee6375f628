using System.Runtime.InteropServices;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Tracking;

/// <summary>/proc/PID/pagemap of a target: its bits, and PAGEMAP_SCAN where the kernel has it (Linux 6.7).</summary>
/// <remarks>After exec of the target the kept descriptor answers ESRCH; open it again before calling the target dead.</remarks>
public sealed unsafe class PageMap : IDisposable
{
    /// <summary>Bit 55 of an entry: soft-dirty.</summary>
    public const ulong SoftDirtyBit = 1UL << 55;
    /// <summary>Bit 58: a guard page of MADV_GUARD_INSTALL (Linux 6.15; 0 before).</summary>
    public const ulong GuardBit = 1UL << 58;
    /// <summary>Bit 61: page of a file or shared memory.</summary>
    public const ulong FileBit = 1UL << 61;
    /// <summary>Bit 62: swapped.</summary>
    public const ulong SwappedBit = 1UL << 62;
    /// <summary>Bit 63: present.</summary>
    public const ulong PresentBit = 1UL << 63;
    /// <summary>Bits 0-54: frame number, 0 without CAP_SYS_ADMIN.</summary>
    public const ulong FrameMask = (1UL << 55) - 1;

    private readonly FileDescriptor _pagemap;

    private PageMap(FileDescriptor pagemap) => _pagemap = pagemap;

    /// <summary>Opens it; needs the right to ptrace.</summary>
    public static PageMap Open(int pid) => new(FileDescriptor.Open($"/proc/{pid}/pagemap", Fcntl.O_RDONLY));

    /// <summary><see cref="PageCategories.Guard"/> if this kernel's PAGEMAP_SCAN knows it, else nothing: an older one refuses the whole scan.</summary>
    public static PageCategories GuardIfKnown { get; } = ProbeGuard();

    /// <summary>One step of PAGEMAP_SCAN over <paramref name="start"/>..<paramref name="end"/>.</summary>
    /// <param name="start">First byte, page-aligned.</param>
    /// <param name="end">Byte after the last, page-aligned.</param>
    /// <param name="scan">What to look for.</param>
    /// <param name="found">Receives the regions; may be empty to only protect.</param>
    /// <param name="walkEnd">Where it stopped: go on from there if it is before <paramref name="end"/>, after using the regions.</param>
    /// <returns>Regions found; ENOTTY: no PAGEMAP_SCAN; EPERM: unregistered mapping met; ESRCH: target gone or called exec.</returns>
    public SyscallResult TryScan(ulong start, ulong end, in PageScan scan, Span<PageRegion> found, out ulong walkEnd)
    {
        fixed (PageRegion* regions = found)
        {
            var arguments = new pm_scan_arg
            {
                size = (ulong)sizeof(pm_scan_arg),
                flags = (scan.Protect ? Pagemap.PM_SCAN_WP_MATCHING : 0) | (scan.RequireRegistered ? Pagemap.PM_SCAN_CHECK_WPASYNC : 0),
                start = start,
                end = end,
                vec = (ulong)regions,
                vec_len = (ulong)found.Length,
                category_inverted = (ulong)scan.Inverted,
                category_mask = (ulong)scan.Mask,
                category_anyof_mask = (ulong)scan.AnyOf,
                return_mask = (ulong)scan.Return,
            };
            SyscallResult result;
            do
                result = _pagemap.TryIoctl(Pagemap.PAGEMAP_SCAN, ref arguments);
            while (result.Errno == Errno.EINTR && arguments.walk_end == start);
            walkEnd = arguments.walk_end;
            return result;
        }
    }

    /// <summary>Reads entries of /proc/PID/pagemap, one u64 a page from the page at <paramref name="start"/> on.</summary>
    /// <returns>Entries read.</returns>
    public int ReadEntries(ulong start, Span<ulong> entries)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(entries);
        int done = 0;
        while (done < bytes.Length)
        {
            long got = _pagemap.TryReadAt((start >> 12 << 3) + (ulong)done, bytes[done..]).OrThrow("read pagemap");
            if (got == 0)
                break;
            done += (int)got;
        }

        return done / sizeof(ulong);
    }

    /// <inheritdoc/>
    public void Dispose() => _pagemap.Dispose();

    private static PageCategories ProbeGuard()
    {
        using PageMap own = Open(Environment.ProcessId);
        Span<PageRegion> found = stackalloc PageRegion[1];
        var ask = new PageScan { AnyOf = PageCategories.Guard, Return = PageCategories.Guard };
        return own.TryScan(0, 4096, ask, found, out _).IsError ? PageCategories.None : PageCategories.Guard;
    }
}

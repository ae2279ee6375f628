using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Memory;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Tracking;

/// <summary>A userfaultfd of a target's address space in asynchronous write-protect mode: what PAGEMAP_SCAN's Written category needs (Linux 6.7).</summary>
/// <remarks>Made by a call inside the target, taken over by pidfd_getfd. Closing it ends all tracking and harms nobody.</remarks>
public sealed class Userfaultfd : IDisposable
{
    /// <summary>Flags the target has to make it with: works without privilege, still sees the kernel's own writes, never blocks.</summary>
    public const ulong CreationFlags = (ulong)(Fcntl.O_CLOEXEC | Fcntl.O_NONBLOCK) | Uffd.UFFD_USER_MODE_ONLY;

    private const ulong Features = Uffd.UFFD_FEATURE_PAGEFAULT_FLAG_WP | Uffd.UFFD_FEATURE_WP_HUGETLBFS_SHMEM
        | Uffd.UFFD_FEATURE_WP_UNPOPULATED | Uffd.UFFD_FEATURE_WP_ASYNC;

    private const ulong MarkerBits = PageMap.PresentBit | PageMap.SwappedBit | PageMap.FileBit | PageMap.FrameMask;

    private readonly FileDescriptor _descriptor;

    private Userfaultfd(FileDescriptor descriptor) => _descriptor = descriptor;

    /// <summary>Takes over a fresh descriptor and agrees on the features.</summary>
    /// <returns>EINVAL: this kernel has no asynchronous write-protect; the descriptor is closed then.</returns>
    public static SyscallResult TryAdopt(FileDescriptor fresh, out Userfaultfd? adopted)
    {
        var api = new uffdio_api { api = Uffd.UFFD_API, features = Features };
        SyscallResult agreed = fresh.TryIoctl(Uffd.UFFDIO_API, ref api);
        adopted = null;
        if (agreed.IsError)
            fresh.Dispose();
        else
            adopted = new Userfaultfd(fresh);
        return agreed;
    }

    private static readonly (bool IsSupported, ulong Marker) _probed = Probe();

    /// <summary>True if this kernel has it at all, found by trying on our own memory.</summary>
    public static bool IsSupported => _probed.IsSupported;

    /// <summary>True if <paramref name="entry"/> of /proc/PID/pagemap is the marker that protecting a hole leaves there, which scans show as swapped.</summary>
    /// <remarks>Compared with one made in our own memory. Without CAP_SYS_ADMIN entries don't tell it from a page in swap, and this is false.</remarks>
    public static bool IsHoleMarker(ulong entry) => _probed.Marker != 0 && (entry & MarkerBits) == _probed.Marker;

    /// <summary>Registers a range of one mapping.</summary>
    /// <returns>EBUSY: the target has a userfaultfd of its own there. EINVAL: [vvar], [vdso] and the like.</returns>
    public SyscallResult TryRegister(RemoteRange range)
    {
        var register = new uffdio_register { start = range.Start.Value, len = range.Length, mode = Uffd.UFFDIO_REGISTER_MODE_WP };
        return _descriptor.TryIoctl(Uffd.UFFDIO_REGISTER, ref register);
    }

    /// <summary>Takes a range out of tracking.</summary>
    public SyscallResult TryUnregister(RemoteRange range)
    {
        var unregister = new uffdio_range { start = range.Start.Value, len = range.Length };
        return _descriptor.TryIoctl(Uffd.UFFDIO_UNREGISTER, ref unregister);
    }

    /// <summary>Write-protects every page of a registered range, those that count as protected already included; holes get page tables and markers.</summary>
    /// <returns>ENOENT: a part isn't registered, and what lies behind it was left as it is.</returns>
    public SyscallResult TryProtect(RemoteRange range)
    {
        var protect = new uffdio_writeprotect { start = range.Start.Value, len = range.Length, mode = Uffd.UFFDIO_WRITEPROTECT_MODE_WP };
        return _descriptor.TryIoctl(Uffd.UFFDIO_WRITEPROTECT, ref protect);
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private static (bool IsSupported, ulong Marker) Probe()
    {
        SyscallResult made = Door.Call(SyscallNumber.userfaultfd, CreationFlags);
        if (made.IsError || TryAdopt(new FileDescriptor((int)made.Value), out Userfaultfd? ours).IsError)
            return (false, 0);
        using Userfaultfd probe = ours!;
        using MappedMemory pages = MappedMemory.Anonymous(2 * 4096);
        pages.At<byte>(0) = 1;
        if (probe.TryRegister(new RemoteRange(new RemoteAddress(pages.Address), 2 * 4096)).IsError)
            return (false, 0);
        using PageMap map = PageMap.Open(Environment.ProcessId);
        bool firstSeen = TakeWritten(map, pages.Address, 4096) == 1;
        bool nowClean = TakeWritten(map, pages.Address, 4096) == 0;
        pages.At<byte>(0) = 2;
        bool writeSeen = TakeWritten(map, pages.Address, 4096) == 1;
        bool holeSeen = TakeWritten(map, pages.Address + 4096, 4096) == 1;
        bool holeOnce = TakeWritten(map, pages.Address + 4096, 4096) == 0;
        Span<ulong> entry = stackalloc ulong[1];
        map.ReadEntries(pages.Address + 4096, entry);
        bool isTold = (entry[0] & PageMap.FrameMask) != 0 && (entry[0] & PageMap.SwappedBit) != 0;
        return (firstSeen && nowClean && writeSeen && holeSeen && holeOnce, isTold ? entry[0] & MarkerBits : 0);
    }

    private static long TakeWritten(PageMap map, ulong start, ulong length)
    {
        Span<PageRegion> found = stackalloc PageRegion[1];
        var take = new PageScan { Mask = PageCategories.Written, Return = PageCategories.Written, Protect = true, RequireRegistered = true };
        return map.TryScan(start, start + length, take, found, out _).Value;
    }
}

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

    /// <summary>True if this kernel has it at all, found by trying on our own memory.</summary>
    public static bool IsSupported { get; } = Probe();

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

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private static bool Probe()
    {
        SyscallResult made = Door.Call(SyscallNumber.userfaultfd, CreationFlags);
        if (made.IsError || TryAdopt(new FileDescriptor((int)made.Value), out Userfaultfd? ours).IsError)
            return false;
        using Userfaultfd probe = ours!;
        using MappedMemory page = MappedMemory.Anonymous(4096);
        page.At<byte>(0) = 1;
        if (probe.TryRegister(new RemoteRange(new RemoteAddress(page.Address), 4096)).IsError)
            return false;
        using PageMap map = PageMap.Open(Environment.ProcessId);
        Span<PageRegion> found = stackalloc PageRegion[1];
        var take = new PageScan { Mask = PageCategories.Written, Return = PageCategories.Written, Protect = true, RequireRegistered = true };
        bool firstSeen = map.TryScan(page.Address, page.Address + 4096, take, found, out _).Value == 1;
        bool nowClean = map.TryScan(page.Address, page.Address + 4096, take, found, out _).Value == 0;
        page.At<byte>(0) = 2;
        bool writeSeen = map.TryScan(page.Address, page.Address + 4096, take, found, out _).Value == 1;
        return firstSeen && nowClean && writeSeen;
    }
}

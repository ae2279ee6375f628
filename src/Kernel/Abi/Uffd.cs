namespace Snap.Kernel.Abi;

#pragma warning disable CS1591 // Members are the header's own, under the header's own names.

/// <summary>userfaultfd(2).</summary>
[AbiConstants("sys/ioctl.h", "linux/userfaultfd.h")]
public static class Uffd
{
    public const ulong UFFD_API = 0xAA;
    public const ulong UFFDIO_API = 0xC018AA3F;
    public const ulong UFFDIO_REGISTER = 0xC020AA00;
    public const ulong UFFDIO_UNREGISTER = 0x8010AA01;
    public const ulong UFFDIO_WRITEPROTECT = 0xC018AA06;
    public const ulong UFFDIO_REGISTER_MODE_WP = 2;
    public const ulong UFFDIO_WRITEPROTECT_MODE_WP = 1;
    public const ulong UFFD_USER_MODE_ONLY = 1;
    public const ulong UFFD_FEATURE_PAGEFAULT_FLAG_WP = 1;
    public const ulong UFFD_FEATURE_WP_HUGETLBFS_SHMEM = 1 << 12;
    public const ulong UFFD_FEATURE_WP_UNPOPULATED = 1 << 13;
    public const ulong UFFD_FEATURE_WP_ASYNC = 1 << 15;
}

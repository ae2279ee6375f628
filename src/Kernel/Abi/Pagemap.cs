namespace Snap.Kernel.Abi;

#pragma warning disable CS1591 // Members are the header's own, under the header's own names.

/// <summary>PAGEMAP_SCAN (Linux 6.7), its page categories, PROCMAP_QUERY, and the bits of /proc/PID/pagemap.</summary>
[AbiConstants("linux/fs.h")]
public static class Pagemap
{
    public const ulong PAGEMAP_SCAN = 0xC0606610;
    public const ulong PM_SCAN_WP_MATCHING = 1;
    public const ulong PM_SCAN_CHECK_WPASYNC = 2;
    public const ulong PAGE_IS_WPALLOWED = 1;
    public const ulong PAGE_IS_WRITTEN = 2;
    public const ulong PAGE_IS_FILE = 4;
    public const ulong PAGE_IS_PRESENT = 8;
    public const ulong PAGE_IS_SWAPPED = 16;
    public const ulong PAGE_IS_PFNZERO = 32;
    public const ulong PAGE_IS_HUGE = 64;
    public const ulong PAGE_IS_SOFT_DIRTY = 128;
    public const ulong PAGE_IS_GUARD = 256;
}

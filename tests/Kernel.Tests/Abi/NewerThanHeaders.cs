namespace Snap.Kernel.Tests.Abi;

/// <summary>What the oldest headers we build with (Linux 6.1) lack: the documented definition, in C, for headers that don't have it.</summary>
/// <remarks>
/// Each entry's reason is the Linux release whose headers have it first. Where the installed headers are that new, or have the name anyway, their own
/// definition is what ours is compared with, and the text here is idle.
/// </remarks>
internal static class NewerThanHeaders
{
    /// <summary>Macros and enumerators: header, C name, definition, and since when the kernel's header has it.</summary>
    internal static readonly (string Header, string Name, string Definition, (int Major, int Minor) Since)[] Constants =
    [
        ("linux/fs.h", "PAGE_IS_WPALLOWED", "(1 << 0)", (6, 7)),
        ("linux/fs.h", "PAGE_IS_WRITTEN", "(1 << 1)", (6, 7)),
        ("linux/fs.h", "PAGE_IS_FILE", "(1 << 2)", (6, 7)),
        ("linux/fs.h", "PAGE_IS_PRESENT", "(1 << 3)", (6, 7)),
        ("linux/fs.h", "PAGE_IS_SWAPPED", "(1 << 4)", (6, 7)),
        ("linux/fs.h", "PAGE_IS_PFNZERO", "(1 << 5)", (6, 7)),
        ("linux/fs.h", "PAGE_IS_HUGE", "(1 << 6)", (6, 7)),
        ("linux/fs.h", "PAGE_IS_SOFT_DIRTY", "(1 << 7)", (6, 7)),
        ("linux/fs.h", "PAGE_IS_GUARD", "(1 << 8)", (6, 15)),
        ("linux/fs.h", "PM_SCAN_WP_MATCHING", "(1 << 0)", (6, 7)),
        ("linux/fs.h", "PM_SCAN_CHECK_WPASYNC", "(1 << 1)", (6, 7)),
        ("linux/pidfd.h", "PIDFD_GET_INFO", "_IOWR(0xFF, 11, struct pidfd_info)", (6, 13)),
        ("linux/pidfd.h", "PIDFD_INFO_EXIT", "(1UL << 3)", (6, 15)),
        ("asm/prctl.h", "ARCH_SHSTK_STATUS", "0x5005", (6, 6)),
        ("linux/prctl.h", "PR_TIMER_CREATE_RESTORE_IDS", "77", (6, 15)),
        ("linux/prctl.h", "PR_TIMER_CREATE_RESTORE_IDS_OFF", "0", (6, 15)),
        ("linux/prctl.h", "PR_TIMER_CREATE_RESTORE_IDS_ON", "1", (6, 15)),
        ("linux/prctl.h", "PR_TIMER_CREATE_RESTORE_IDS_GET", "2", (6, 15)),
        ("asm/unistd_64.h", "__NR_mseal", "462", (6, 10)),
        ("linux/membarrier.h", "MEMBARRIER_CMD_GET_REGISTRATIONS", "(1 << 9)", (6, 3)),
        ("linux/userfaultfd.h", "UFFD_FEATURE_WP_UNPOPULATED", "(1 << 13)", (6, 4)),
        ("linux/userfaultfd.h", "UFFD_FEATURE_WP_ASYNC", "(1 << 15)", (6, 7)),
    ];

    /// <summary>Structs: header, the macro that the header has if it has the struct, definitions up to the macro's, and since when.</summary>
    internal static readonly (string Header, string Guard, string Definition, (int Major, int Minor) Since)[] Structs =
    [
        ("linux/fs.h", "PAGEMAP_SCAN",
            """
            #include <linux/types.h>
            #include <sys/ioctl.h>
            struct page_region { __u64 start; __u64 end; __u64 categories; };
            struct pm_scan_arg {
                __u64 size; __u64 flags; __u64 start; __u64 end; __u64 walk_end; __u64 vec; __u64 vec_len; __u64 max_pages;
                __u64 category_inverted; __u64 category_mask; __u64 category_anyof_mask; __u64 return_mask;
            };
            #define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
            """,
            (6, 7)),
        ("linux/pidfd.h", "PIDFD_INFO_EXIT",
            """
            #include <linux/types.h>
            #include <sys/ioctl.h>
            struct pidfd_info {
                __u64 mask; __u64 cgroupid; __u32 pid; __u32 tgid; __u32 ppid; __u32 ruid; __u32 rgid; __u32 euid; __u32 egid; __u32 suid; __u32 sgid;
                __u32 fsuid; __u32 fsgid; __s32 exit_code;
            };
            """,
            (6, 13)),
    ];

    /// <summary>Members of ours that C has no name for, each with its reason.</summary>
    internal static readonly (string Member, string Reason)[] OwnNames =
    [
        ("Errno.None", "no error has no name in errno.h"),
    ];
}

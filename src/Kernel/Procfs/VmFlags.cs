namespace Snap.Kernel.Procfs;

/// <summary>The two-letter words of <c>VmFlags:</c> in smaps, by the meaning that fs/proc/task_mmu.c gives them.</summary>
/// <remarks>The bits are ours, not the kernel's. <see cref="VmFlagNames"/> holds the letters.</remarks>
[Flags]
public enum VmFlags : ulong
{
    /// <summary>No word at all.</summary>
    None = 0,
    /// <summary><c>rd</c></summary>
    Readable = 1UL << 0,
    /// <summary><c>wr</c></summary>
    Writable = 1UL << 1,
    /// <summary><c>ex</c></summary>
    Executable = 1UL << 2,
    /// <summary><c>sh</c></summary>
    Shared = 1UL << 3,
    /// <summary><c>mr</c>: may be made readable.</summary>
    MayRead = 1UL << 4,
    /// <summary><c>mw</c>: may be made writable.</summary>
    MayWrite = 1UL << 5,
    /// <summary><c>me</c>: may be made executable.</summary>
    MayExecute = 1UL << 6,
    /// <summary><c>ms</c>: may be shared.</summary>
    MayShare = 1UL << 7,
    /// <summary><c>gd</c>: MAP_GROWSDOWN.</summary>
    GrowsDown = 1UL << 8,
    /// <summary><c>pf</c>: page frames without struct page: device memory.</summary>
    PureFrames = 1UL << 9,
    /// <summary><c>dw</c>: writes to the file are denied.</summary>
    DenyWrite = 1UL << 10,
    /// <summary><c>lo</c>: mlock.</summary>
    Locked = 1UL << 11,
    /// <summary><c>io</c>: memory of a device.</summary>
    InputOutput = 1UL << 12,
    /// <summary><c>sr</c>: MADV_SEQUENTIAL.</summary>
    SequentialRead = 1UL << 13,
    /// <summary><c>rr</c>: MADV_RANDOM.</summary>
    RandomRead = 1UL << 14,
    /// <summary><c>dc</c>: MADV_DONTFORK.</summary>
    DontCopyOnFork = 1UL << 15,
    /// <summary><c>de</c>: must not be grown by mremap.</summary>
    DontExpand = 1UL << 16,
    /// <summary><c>ac</c>: counted against the commit limit.</summary>
    Accounted = 1UL << 17,
    /// <summary><c>nr</c>: MAP_NORESERVE.</summary>
    NoReserve = 1UL << 18,
    /// <summary><c>ht</c>: hugetlb pages.</summary>
    HugeTlb = 1UL << 19,
    /// <summary><c>sf</c>: faults of a file that are synchronous (MAP_SYNC).</summary>
    SynchronousFault = 1UL << 20,
    /// <summary><c>ar</c>: a flag of the architecture.</summary>
    ArchitectureSpecific = 1UL << 21,
    /// <summary><c>wf</c>: MADV_WIPEONFORK.</summary>
    WipeOnFork = 1UL << 22,
    /// <summary><c>dd</c>: MADV_DONTDUMP.</summary>
    DontDump = 1UL << 23,
    /// <summary><c>sd</c>: soft-dirty as a whole.</summary>
    SoftDirty = 1UL << 24,
    /// <summary><c>mm</c>: mixed map, frames with and without struct page.</summary>
    MixedMap = 1UL << 25,
    /// <summary><c>hg</c>: MADV_HUGEPAGE.</summary>
    HugePageAdvised = 1UL << 26,
    /// <summary><c>nh</c>: MADV_NOHUGEPAGE.</summary>
    NoHugePageAdvised = 1UL << 27,
    /// <summary><c>mg</c>: MADV_MERGEABLE.</summary>
    Mergeable = 1UL << 28,
    /// <summary><c>um</c>: userfaultfd, missing pages.</summary>
    UffdMissing = 1UL << 29,
    /// <summary><c>uw</c>: userfaultfd, write protection.</summary>
    UffdWriteProtect = 1UL << 30,
    /// <summary><c>ui</c>: userfaultfd, minor faults.</summary>
    UffdMinor = 1UL << 31,
    /// <summary><c>ss</c>: shadow stack.</summary>
    ShadowStack = 1UL << 32,
    /// <summary><c>sl</c>: sealed by mseal.</summary>
    Sealed = 1UL << 33,
    /// <summary><c>lf</c>: locked on fault (MLOCK_ONFAULT).</summary>
    LockOnFault = 1UL << 34,
    /// <summary><c>dp</c>: freed by the kernel under memory pressure, droppable.</summary>
    Droppable = 1UL << 35,
    /// <summary><c>gu</c>: may hold guard regions (MADV_GUARD_INSTALL).</summary>
    MaybeGuard = 1UL << 36,
    /// <summary><c>mt</c>: arm64 memory tagging.</summary>
    MemoryTagging = 1UL << 37,
    /// <summary><c>bt</c>: arm64 branch target identification.</summary>
    BranchTargets = 1UL << 38,
    /// <summary><c>mp</c>: Intel MPX bounds, kernels before 5.6.</summary>
    BoundsTables = 1UL << 39,
    /// <summary><c>nl</c>: a non-linear mapping, kernels before 4.0.</summary>
    NonLinear = 1UL << 40,
}

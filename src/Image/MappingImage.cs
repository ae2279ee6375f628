using System.Globalization;

namespace Snap.Image;

/// <summary>One mapping (VMA) of an address space.</summary>
public sealed record MappingImage
{
    /// <summary>First byte.</summary>
    public required ulong Start { get; init; }
    /// <summary>Byte after the last.</summary>
    public required ulong End { get; init; }
    /// <summary>PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4.</summary>
    public required int Protection { get; init; }
    /// <summary>MAP_SHARED.</summary>
    public required bool IsShared { get; init; }
    /// <summary>What backs it.</summary>
    public required MappingKind Kind { get; init; }
    /// <summary>For <see cref="MappingKind.SharedMemory"/>: the space with its contents. Private pages lie in the process's own space.</summary>
    public SpaceId? SharedSpace { get; init; }
    /// <summary>For file mappings: index into <see cref="SnapshotImage.Files"/>; else null.</summary>
    public int? File { get; init; }
    /// <summary>Byte offset in the file or shared object.</summary>
    public ulong Offset { get; init; }
    /// <summary>True if the object behind a shared mapping was opened for writing (mprotect may add PROT_WRITE later).</summary>
    public bool MayWrite { get; init; } = true;
    /// <summary>Name given by PR_SET_VMA_ANON_NAME; null if none.</summary>
    public string? AnonymousName { get; init; }
    /// <summary>What mmap and madvise set.</summary>
    public MappingTraits Traits { get; init; }

    /// <summary>As /proc/PID/maps shows it: <c>7f3a1000-7f3a3000 rw-p</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Start:x}-{End:x} {((Protection & 1) != 0 ? 'r' : '-')}{((Protection & 2) != 0 ? 'w' : '-')}{((Protection & 4) != 0 ? 'x' : '-')}{(IsShared ? 's' : 'p')}");
}

/// <summary>What backs a mapping.</summary>
public enum MappingKind
{
    /// <summary>Private anonymous memory; [heap] too.</summary>
    Anonymous,
    /// <summary>A regular file.</summary>
    File,
    /// <summary>Shared anonymous memory or a memfd.</summary>
    SharedMemory,
    /// <summary>The main stack, or any other that grows down.</summary>
    Stack,
    /// <summary>[vdso].</summary>
    Vdso,
    /// <summary>[vvar] and, since Linux 6.13, [vvar_vclock].</summary>
    Vvar,
    /// <summary>[vsyscall], at its fixed place; never mapped by us.</summary>
    Vsyscall,
}

/// <summary>Flags of a mapping that protection and kind don't tell; from smaps' VmFlags.</summary>
[Flags]
public enum MappingTraits
{
    /// <summary>None.</summary>
    None = 0,
    /// <summary>gd: MAP_GROWSDOWN.</summary>
    GrowsDown = 1,
    /// <summary>nr: MAP_NORESERVE.</summary>
    NoReserve = 2,
    /// <summary>hg: MADV_HUGEPAGE.</summary>
    HugePage = 4,
    /// <summary>nh: MADV_NOHUGEPAGE.</summary>
    NoHugePage = 8,
    /// <summary>dd: MADV_DONTDUMP.</summary>
    DontDump = 16,
    /// <summary>dc: MADV_DONTFORK.</summary>
    DontFork = 32,
    /// <summary>wf: MADV_WIPEONFORK.</summary>
    WipeOnFork = 64,
    /// <summary>lo: mlock.</summary>
    Locked = 128,
    /// <summary>mg: MADV_MERGEABLE.</summary>
    Mergeable = 256,
    /// <summary>rr: MADV_RANDOM.</summary>
    RandomRead = 512,
    /// <summary>sr: MADV_SEQUENTIAL.</summary>
    SequentialRead = 1024,
    /// <summary>sl: mseal.</summary>
    Sealed = 2048,
    /// <summary>lf: MLOCK_ONFAULT.</summary>
    LockedOnFault = 4096,
    /// <summary>ac: counted against the commit limit, as private memory is that once was writable.</summary>
    Accounted = 8192,
}

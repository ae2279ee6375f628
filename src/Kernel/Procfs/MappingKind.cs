namespace Snap.Kernel.Procfs;

/// <summary>What the name of a mapping in maps says it is.</summary>
public enum MappingKind : byte
{
    /// <summary>No name: private anonymous memory.</summary>
    Anonymous,
    /// <summary>A file, or something that has an inode: memfd, shared anonymous memory (<c>/dev/zero</c>), System V shared memory, a device.</summary>
    File,
    /// <summary><c>[heap]</c>: grown by brk.</summary>
    Heap,
    /// <summary><c>[stack]</c>: of the main thread.</summary>
    Stack,
    /// <summary><c>[vdso]</c>.</summary>
    Vdso,
    /// <summary><c>[vvar]</c>: data of the vdso.</summary>
    Vvar,
    /// <summary><c>[vvar_vclock]</c>: its clock pages, apart since Linux 6.13.</summary>
    VvarVclock,
    /// <summary><c>[vsyscall]</c>: in every process, not a mapping of its own.</summary>
    Vsyscall,
    /// <summary><c>[anon:NAME]</c>: private anonymous memory named by prctl.</summary>
    NamedAnonymous,
    /// <summary><c>[anon_shmem:NAME]</c>: shared anonymous memory named by prctl.</summary>
    NamedSharedAnonymous,
    /// <summary>Another name in brackets: <c>[uprobes]</c>.</summary>
    OtherSpecial,
}

namespace Snap.Kernel.Procfs;

/// <summary>/proc/PID/status, or /proc/PID/task/TID/status of one thread. Sizes in bytes; null where the kernel, or the kind of task, has no such line.</summary>
public sealed record ProcStatus
{
    /// <summary>The thread's name (<see cref="KernelText"/>).</summary>
    public required string Name { get; init; }

    /// <summary>As <see cref="ProcStat.State"/>.</summary>
    public required char State { get; init; }

    /// <summary>Pid of the process.</summary>
    public required int Tgid { get; init; }

    /// <summary>Tid of the thread; the process's own pid for /proc/PID/status.</summary>
    public required int Pid { get; init; }

    /// <summary>Parent, as our pid namespace numbers it.</summary>
    public required int ParentPid { get; init; }

    /// <summary>Who ptraces it, or 0.</summary>
    public required int TracerPid { get; init; }

    /// <summary>User ids.</summary>
    public required FourIds Uid { get; init; }

    /// <summary>Group ids.</summary>
    public required FourIds Gid { get; init; }

    /// <summary>Supplementary groups.</summary>
    public IReadOnlyList<uint> Groups { get; init; } = [];

    /// <summary>Null for zombies and kernel threads, which have no file system state, and before Linux 4.7.</summary>
    public uint? Umask { get; init; }

    /// <summary>The tid in each pid namespace, from ours inward; the last is what the thread sees. More than one: it lives in an inner namespace.</summary>
    public IReadOnlyList<int> NamespacePids { get; init; } = [];

    /// <summary>The process's pid in each pid namespace.</summary>
    public IReadOnlyList<int> NamespaceTgids { get; init; } = [];

    /// <summary>The process group in each pid namespace.</summary>
    public IReadOnlyList<int> NamespaceProcessGroups { get; init; } = [];

    /// <summary>The session in each pid namespace.</summary>
    public IReadOnlyList<int> NamespaceSessions { get; init; } = [];

    /// <summary>A thread of the kernel; null before Linux 6.8, where <see cref="ProcStat.IsKernelThread"/> tells.</summary>
    public bool? IsKernelThread { get; init; }

    /// <summary>Threads of the process; null for some dying tasks.</summary>
    public int? Threads { get; init; }

    /// <summary>Signals queued for the user.</summary>
    public ulong? QueuedSignals { get; init; }

    /// <summary>The limit of them.</summary>
    public ulong? QueuedSignalsLimit { get; init; }

    /// <summary>Pending for this thread; bit n - 1 is signal n, here and below.</summary>
    public ulong PendingSignals { get; init; }

    /// <summary>Pending for the process.</summary>
    public ulong SharedPendingSignals { get; init; }

    /// <summary>Blocked in this thread.</summary>
    public ulong BlockedSignals { get; init; }

    /// <summary>Ignored by the process.</summary>
    public ulong IgnoredSignals { get; init; }

    /// <summary>Handled by the process.</summary>
    public ulong CaughtSignals { get; init; }

    /// <summary>Inheritable capabilities, a bit each.</summary>
    public ulong InheritableCapabilities { get; init; }

    /// <summary>Permitted capabilities.</summary>
    public ulong PermittedCapabilities { get; init; }

    /// <summary>Effective capabilities.</summary>
    public ulong EffectiveCapabilities { get; init; }

    /// <summary>Bounding set.</summary>
    public ulong BoundingCapabilities { get; init; }

    /// <summary>Ambient capabilities.</summary>
    public ulong AmbientCapabilities { get; init; }

    /// <summary>PR_SET_NO_NEW_PRIVS.</summary>
    public bool NoNewPrivileges { get; init; }

    /// <summary>0 none, 1 strict, 2 filter; null if the kernel has no seccomp.</summary>
    public int? Seccomp { get; init; }

    /// <summary>Filters attached; null before Linux 5.9.</summary>
    public int? SeccompFilters { get; init; }

    /// <summary>Resident bytes; null without memory (kernel thread, zombie).</summary>
    public ulong? ResidentBytes { get; init; }

    /// <summary>Resident anonymous bytes.</summary>
    public ulong? ResidentAnonymousBytes { get; init; }

    /// <summary>Resident bytes of file mappings.</summary>
    public ulong? ResidentFileBytes { get; init; }

    /// <summary>Resident bytes of shared memory.</summary>
    public ulong? ResidentSharedBytes { get; init; }

    /// <summary>Swapped-out anonymous bytes.</summary>
    public ulong? SwappedBytes { get; init; }

    /// <summary>Bytes locked by mlock.</summary>
    public ulong? LockedBytes { get; init; }

    /// <summary>Bytes of address space.</summary>
    public ulong? VirtualBytes { get; init; }

    /// <summary>Bytes of huge pages in hugetlb mappings.</summary>
    public ulong? HugeTlbBytes { get; init; }

    /// <summary>0 if PR_SET_THP_DISABLE forbids huge pages.</summary>
    public bool? HugePagesEnabled { get; init; }

    /// <summary>A core dump is being written.</summary>
    public bool IsDumpingCore { get; init; }

    /// <summary>Processors it may run on; bit n of word n / 64 is processor n.</summary>
    public IReadOnlyList<ulong> AllowedCpus { get; init; } = [];

    /// <summary>Memory nodes it may allocate from, likewise.</summary>
    public IReadOnlyList<ulong> AllowedNodes { get; init; } = [];

    /// <summary>Features of the processor that the thread switched on: <c>shstk</c>, <c>wrss</c>.</summary>
    public IReadOnlyList<string> ThreadFeatures { get; init; } = [];

    /// <summary>Those of them that are locked.</summary>
    public IReadOnlyList<string> LockedThreadFeatures { get; init; } = [];
}

namespace Snap.Image;

/// <summary>One process: identity, kernel state, address space, threads, descriptors.</summary>
public sealed record ProcessImage
{
    /// <summary>Process id as the dumper saw it.</summary>
    public required int Pid { get; init; }
    /// <summary>Parent's pid, inside the tree or not.</summary>
    public required int ParentPid { get; init; }
    /// <summary>Process group.</summary>
    public required int ProcessGroup { get; init; }
    /// <summary>Session.</summary>
    public required int Session { get; init; }
    /// <summary>Start time in clock ticks since boot (/proc/PID/stat 22): with the boot id, tells a process from a later one of the same pid.</summary>
    public required ulong StartTime { get; init; }
    /// <summary>Signal sent to the parent at exit; 17 (SIGCHLD) for usual processes.</summary>
    public int ExitSignal { get; init; } = 17;
    /// <summary>Index into <see cref="SnapshotImage.Files"/> of the executable.</summary>
    public required int Executable { get; init; }
    /// <summary>Arguments, as /proc/PID/cmdline gives them, lossless (Latin-1 for bytes that aren't UTF-8); for people only, memory holds the real ones.</summary>
    public required IReadOnlyList<string> CommandLine { get; init; }
    /// <summary>Path of the working directory.</summary>
    public required string WorkingDirectory { get; init; }
    /// <summary>umask(2).</summary>
    public required int Umask { get; init; }
    /// <summary>PR_GET_DUMPABLE.</summary>
    public required int Dumpable { get; init; }
    /// <summary>personality(2).</summary>
    public required uint Personality { get; init; }
    /// <summary>PR_GET_CHILD_SUBREAPER.</summary>
    public bool IsSubreaper { get; init; }
    /// <summary>PR_GET_THP_DISABLE.</summary>
    public bool HugePagesDisabled { get; init; }
    /// <summary>/proc/PID/coredump_filter.</summary>
    public uint CoredumpFilter { get; init; }
    /// <summary>/proc/PID/oom_score_adj.</summary>
    public int OomScoreAdjust { get; init; }
    /// <summary>membarrier(MEMBARRIER_CMD_GET_REGISTRATIONS) bits.</summary>
    public int MembarrierRegistrations { get; init; }
    /// <summary>User, groups and capabilities.</summary>
    public required CredentialsImage Credentials { get; init; }
    /// <summary>The sixteen resource limits, indexed by RLIMIT_*.</summary>
    public required IReadOnlyList<LimitImage> Limits { get; init; }
    /// <summary>Marks inside the address space that the kernel keeps (brk, arguments, auxv).</summary>
    public required MemoryLayoutImage MemoryLayout { get; init; }
    /// <summary>The space that holds private pages; page index = address / 4096.</summary>
    public required SpaceId Space { get; init; }
    /// <summary>Mappings in ascending order.</summary>
    public required IReadOnlyList<MappingImage> Mappings { get; init; }
    /// <summary>Actions of signals 1..64 in order; entries of 9 and 19 are default.</summary>
    public required IReadOnlyList<SignalActionImage> SignalActions { get; init; }
    /// <summary>Signals pending for the process: siginfo_t, 128 bytes each, oldest first.</summary>
    public IReadOnlyList<byte[]> PendingSignals { get; init; } = [];
    /// <summary>Threads, the leader first.</summary>
    public required IReadOnlyList<ThreadImage> Threads { get; init; }
    /// <summary>Open descriptors in ascending order.</summary>
    public required IReadOnlyList<DescriptorImage> Descriptors { get; init; }
    /// <summary>setitimer(2) timers: ITIMER_REAL, VIRTUAL, PROF.</summary>
    public IReadOnlyList<IntervalTimerImage> IntervalTimers { get; init; } = [];
    /// <summary>timer_create(2) timers.</summary>
    public IReadOnlyList<PosixTimerImage> PosixTimers { get; init; } = [];
}

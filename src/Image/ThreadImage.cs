namespace Snap.Image;

/// <summary>One thread at the moment of the snapshot.</summary>
public sealed record ThreadImage
{
    /// <summary>Thread id as the dumper saw it.</summary>
    public required int Tid { get; init; }
    /// <summary>PR_GET_NAME bytes as text (Latin-1 for bytes that aren't UTF-8).</summary>
    public required string Name { get; init; }
    /// <summary>struct user_regs_struct, 216 bytes, as NT_PRSTATUS gives it (fs_base and gs_base included).</summary>
    public required byte[] Registers { get; init; }
    /// <summary>NT_X86_XSTATE, exactly as long as the kernel gave it.</summary>
    public required byte[] ExtendedState { get; init; }
    /// <summary>Blocked signals, bit n-1 = signal n.</summary>
    public required ulong SignalMask { get; init; }
    /// <summary>Signals pending for this thread alone: siginfo_t, 128 bytes each, oldest first.</summary>
    public IReadOnlyList<byte[]> PendingSignals { get; init; } = [];
    /// <summary>sigaltstack(2).</summary>
    public required AlternateStackImage AlternateStack { get; init; }
    /// <summary>get_robust_list(2): head address, 0 for none.</summary>
    public ulong RobustListHead { get; init; }
    /// <summary>get_robust_list(2): length of the head in bytes.</summary>
    public ulong RobustListLength { get; init; }
    /// <summary>rseq(2) registration; null if none.</summary>
    public RestartableSequenceImage? RestartableSequence { get; init; }
    /// <summary>set_tid_address(2): cleared and woken at exit; pthread_join hangs without.</summary>
    public ulong ClearTidAddress { get; init; }
    /// <summary>sched_getaffinity(2) mask bytes.</summary>
    public required byte[] Affinity { get; init; }
    /// <summary>SCHED_*, with SCHED_RESET_ON_FORK.</summary>
    public int SchedulingPolicy { get; init; }
    /// <summary>sched_priority of real-time policies.</summary>
    public int SchedulingPriority { get; init; }
    /// <summary>Nice value.</summary>
    public int Nice { get; init; }
    /// <summary>/proc/PID/timerslack_ns.</summary>
    public ulong TimerSlackNanoseconds { get; init; }
    /// <summary>ioprio_get(2).</summary>
    public int IoPriority { get; init; }
    /// <summary>PR_GET_PDEATHSIG.</summary>
    public int ParentDeathSignal { get; init; }
}

/// <summary>sigaltstack(2) of a thread.</summary>
public sealed record AlternateStackImage(ulong Address, int Flags, ulong Length);

/// <summary>rseq(2) of a thread: PTRACE_GET_RSEQ_CONFIGURATION.</summary>
public sealed record RestartableSequenceImage(ulong Address, uint Length, uint Signature, uint Flags);

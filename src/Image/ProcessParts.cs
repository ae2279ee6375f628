namespace Snap.Image;

/// <summary>User, groups and capabilities of a process.</summary>
public sealed record CredentialsImage
{
    /// <summary>Real, effective, saved, file-system user id.</summary>
    public required IReadOnlyList<uint> UserIds { get; init; }
    /// <summary>Real, effective, saved, file-system group id.</summary>
    public required IReadOnlyList<uint> GroupIds { get; init; }
    /// <summary>Supplementary groups.</summary>
    public required IReadOnlyList<uint> Groups { get; init; }
    /// <summary>CapInh.</summary>
    public required ulong InheritableCapabilities { get; init; }
    /// <summary>CapPrm.</summary>
    public required ulong PermittedCapabilities { get; init; }
    /// <summary>CapEff.</summary>
    public required ulong EffectiveCapabilities { get; init; }
    /// <summary>CapBnd.</summary>
    public required ulong BoundingCapabilities { get; init; }
    /// <summary>CapAmb.</summary>
    public required ulong AmbientCapabilities { get; init; }
    /// <summary>PR_GET_NO_NEW_PRIVS.</summary>
    public required bool NoNewPrivileges { get; init; }
    /// <summary>PR_GET_SECUREBITS.</summary>
    public int SecureBits { get; init; }
}

/// <summary>One resource limit; <see cref="ulong.MaxValue"/> is unlimited.</summary>
public sealed record LimitImage(ulong Current, ulong Maximum);

/// <summary>PR_SET_MM_MAP's fields (include/uapi/linux/prctl.h, struct prctl_mm_map) and the real brk.</summary>
public sealed record MemoryLayoutImage
{
    /// <summary>mm->start_code.</summary>
    public required ulong StartCode { get; init; }
    /// <summary>mm->end_code.</summary>
    public required ulong EndCode { get; init; }
    /// <summary>mm->start_data.</summary>
    public required ulong StartData { get; init; }
    /// <summary>mm->end_data.</summary>
    public required ulong EndData { get; init; }
    /// <summary>mm->start_brk.</summary>
    public required ulong StartBreak { get; init; }
    /// <summary>brk(0).</summary>
    public required ulong Break { get; init; }
    /// <summary>mm->start_stack.</summary>
    public required ulong StartStack { get; init; }
    /// <summary>mm->arg_start.</summary>
    public required ulong ArgumentsStart { get; init; }
    /// <summary>mm->arg_end.</summary>
    public required ulong ArgumentsEnd { get; init; }
    /// <summary>mm->env_start.</summary>
    public required ulong EnvironmentStart { get; init; }
    /// <summary>mm->env_end.</summary>
    public required ulong EnvironmentEnd { get; init; }
    /// <summary>/proc/PID/auxv.</summary>
    public required byte[] AuxiliaryVector { get; init; }
}

/// <summary>struct kernel_sigaction of one signal.</summary>
public sealed record SignalActionImage(ulong Handler, ulong Flags, ulong Restorer, ulong Mask);

/// <summary>One setitimer(2) timer, what remains and its interval in microseconds; both 0 if disarmed.</summary>
public sealed record IntervalTimerImage(int Which, ulong RemainingMicroseconds, ulong IntervalMicroseconds);

/// <summary>One timer_create(2) timer.</summary>
public sealed record PosixTimerImage
{
    /// <summary>timer_t as the process knows it.</summary>
    public required int Id { get; init; }
    /// <summary>CLOCK_*.</summary>
    public required int Clock { get; init; }
    /// <summary>SIGEV_*: signal, none, thread id.</summary>
    public required int Notify { get; init; }
    /// <summary>Signal number.</summary>
    public required int Signal { get; init; }
    /// <summary>sigev_value as 8 bytes.</summary>
    public required ulong Value { get; init; }
    /// <summary>Thread to be signalled with SIGEV_THREAD_ID; else 0.</summary>
    public int Tid { get; init; }
    /// <summary>Nanoseconds until it fires; 0 if disarmed.</summary>
    public ulong RemainingNanoseconds { get; init; }
    /// <summary>Interval in nanoseconds; 0 if none.</summary>
    public ulong IntervalNanoseconds { get; init; }
}

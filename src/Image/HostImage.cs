namespace Snap.Image;

/// <summary>The machine and kernel a snapshot was taken on; restore compares them with its own.</summary>
public sealed record HostImage
{
    /// <summary>uname nodename.</summary>
    public required string HostName { get; init; }

    /// <summary>/proc/sys/kernel/random/boot_id: monotonic clocks and pids only mean the same within one boot.</summary>
    public required string BootId { get; init; }

    /// <summary>uname release.</summary>
    public required string KernelRelease { get; init; }

    /// <summary>Flags of the first CPU in /proc/cpuinfo, sorted; restore needs them all.</summary>
    public required IReadOnlyList<string> CpuFlags { get; init; }

    /// <summary>Bytes of a thread's XSTATE as PTRACE_GETREGSET gives it.</summary>
    public required int ExtendedStateSize { get; init; }
}

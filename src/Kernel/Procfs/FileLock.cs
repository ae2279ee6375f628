namespace Snap.Kernel.Procfs;

/// <summary>A lock of a file, as /proc/locks and the <c>lock:</c> lines of fdinfo show it.</summary>
/// <remarks>Layout: <c>1: POSIX  ADVISORY  WRITE 3415 fe:00:11657336 100 EOF</c>; <c>-&gt;</c> behind the colon marks one that waits.</remarks>
public sealed record FileLock
{
    /// <summary>Number of the line; a waiter has that of the lock it waits for.</summary>
    public required ulong Number { get; init; }

    /// <summary>Not held: a request that waits for another lock (/proc/locks only).</summary>
    public bool IsWaiting { get; init; }

    /// <summary>How it was taken.</summary>
    public required FileLockKind Kind { get; init; }

    /// <summary>The kind as the kernel writes it: <c>POSIX</c>.</summary>
    public required string KindText { get; init; }

    /// <summary>The second column: <c>ADVISORY</c>; of a lease <c>ACTIVE</c>, <c>BREAKING</c> or <c>BREAKER</c>.</summary>
    public required string State { get; init; }

    /// <summary>The third column: <c>READ</c>, <c>WRITE</c>, <c>RW</c>, <c>NONE</c> or <c>UNLCK</c>.</summary>
    public required string Mode { get; init; }

    /// <summary>Exclusive: mode WRITE.</summary>
    public bool IsExclusive => Mode == "WRITE";

    /// <summary>Who took it; -1 for locks of an open file description by fcntl; 0 for processes that our pid namespace doesn't see.</summary>
    public required int Pid { get; init; }

    /// <summary>File system of the file.</summary>
    public DeviceNumber Device { get; init; }

    /// <summary>Inode of the file; 0 if the kernel had none to show.</summary>
    public ulong Inode { get; init; }

    /// <summary>First byte locked.</summary>
    public required ulong Start { get; init; }

    /// <summary>Last byte locked, inclusive; <see cref="ulong.MaxValue"/> for "to the end of the file, however it grows".</summary>
    public required ulong Last { get; init; }

    /// <summary>The lock reaches to the end of the file.</summary>
    public bool ReachesEnd => Last == ulong.MaxValue;
}

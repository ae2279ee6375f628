namespace Snap.Kernel.Procfs;

/// <summary>/proc/PID/fdinfo/N: what all descriptors have, what each kind adds, and every line that isn't known.</summary>
public sealed record DescriptorInfo
{
    /// <summary>File position, bytes.</summary>
    public required long Position { get; init; }

    /// <summary>O_* flags, O_CLOEXEC of this descriptor included.</summary>
    public required uint Flags { get; init; }

    /// <summary>Mount, as mountinfo numbers it; null before Linux 3.15.</summary>
    public int? MountId { get; init; }

    /// <summary>Inode; null before Linux 5.14.</summary>
    public ulong? Inode { get; init; }

    /// <summary>Of an eventfd.</summary>
    public EventDescriptor? Event { get; init; }

    /// <summary>Of an epoll: what is registered.</summary>
    public IReadOnlyList<EpollRegistration> Epoll { get; init; } = [];

    /// <summary>Of a timerfd.</summary>
    public TimerDescriptor? Timer { get; init; }

    /// <summary>Of a signalfd: the signals that it takes; bit n - 1 is signal n.</summary>
    public ulong? SignalMask { get; init; }

    /// <summary>Of an inotify descriptor.</summary>
    public IReadOnlyList<InotifyWatch> Inotify { get; init; } = [];

    /// <summary>Of a fanotify group: its lines without the leading word <c>fanotify</c>.</summary>
    public IReadOnlyList<string> Fanotify { get; init; } = [];

    /// <summary>Of a pidfd.</summary>
    public PidDescriptor? Process { get; init; }

    /// <summary>Of a unix socket: descriptors that are under way to it; null before Linux 5.14 and for other files.</summary>
    public uint? DescriptorsUnderway { get; init; }

    /// <summary>Locks of this process, or of this open file description, on the file.</summary>
    public IReadOnlyList<FileLock> Locks { get; init; } = [];

    /// <summary>Lines that aren't known, in their order: DRM, io_uring, dma-buf, and what later kernels add.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Others { get; init; } = [];

    /// <summary>Access mode: 0 read, 1 write, 2 both, 3 neither.</summary>
    public uint AccessMode => Flags & 3;

    /// <summary>Closed by exec.</summary>
    public bool IsCloseOnExec => (Flags & 0x80000) != 0;
}

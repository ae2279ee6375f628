using System.Text.Json.Serialization;

namespace Snap.Image;

/// <summary>An open file description: what open(2), pipe(2), eventfd(2)… made, with the state that dup(2) shares.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind", UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(FileDescription), "file")]
[JsonDerivedType(typeof(DeviceDescription), "device")]
[JsonDerivedType(typeof(PipeDescription), "pipe")]
[JsonDerivedType(typeof(MemfdDescription), "memfd")]
[JsonDerivedType(typeof(EventDescription), "eventfd")]
[JsonDerivedType(typeof(EpollDescription), "epoll")]
[JsonDerivedType(typeof(TimerDescription), "timerfd")]
[JsonDerivedType(typeof(SignalDescription), "signalfd")]
[JsonDerivedType(typeof(ExternalDescription), "external")]
public abstract record DescriptionImage
{
    /// <summary>Number within the image.</summary>
    public required int Id { get; init; }
    /// <summary>F_GETFL: access mode and status flags.</summary>
    public required int Flags { get; init; }
    /// <summary>F_GETOWN_EX's pid, 0 if none; restored with <see cref="OwnerType"/>.</summary>
    public int OwnerPid { get; init; }
    /// <summary>F_OWNER_TID 0, F_OWNER_PID 1, F_OWNER_PGRP 2.</summary>
    public int OwnerType { get; init; }
    /// <summary>F_GETSIG.</summary>
    public int OwnerSignal { get; init; }
}

/// <summary>A regular file or directory.</summary>
public sealed record FileDescription : DescriptionImage
{
    /// <summary>Index into <see cref="SnapshotImage.Files"/>.</summary>
    public required int File { get; init; }
    /// <summary>File offset in bytes.</summary>
    public required long Position { get; init; }
    /// <summary>True for a directory.</summary>
    public bool IsDirectory { get; init; }
    /// <summary>Locks held through it by the tree itself.</summary>
    public IReadOnlyList<LockImage> Locks { get; init; } = [];
}

/// <summary>A lock on a file.</summary>
/// <param name="Type">Which call made it.</param>
/// <param name="IsExclusive">F_WRLCK or LOCK_EX.</param>
/// <param name="Start">First byte; 0 for flock.</param>
/// <param name="Length">Bytes; 0 means to the end of the file.</param>
/// <param name="Pid">Owner, for POSIX locks; else 0.</param>
public sealed record LockImage(LockType Type, bool IsExclusive, long Start, long Length, int Pid);

/// <summary>Which call made a lock.</summary>
public enum LockType
{
    /// <summary>flock(2).</summary>
    Flock,
    /// <summary>fcntl(F_SETLK).</summary>
    Posix,
    /// <summary>fcntl(F_OFD_SETLK).</summary>
    OpenFileDescription,
}

/// <summary>A stateless character device: null, zero, full, random, urandom.</summary>
public sealed record DeviceDescription : DescriptionImage
{
    /// <summary>Path.</summary>
    public required string Path { get; init; }
    /// <summary>st_rdev, checked at restore.</summary>
    public required ulong DeviceNumber { get; init; }
}

/// <summary>One end of a pipe that lies inside the tree.</summary>
public sealed record PipeDescription : DescriptionImage
{
    /// <summary><see cref="PipeImage.Id"/>.</summary>
    public required int Pipe { get; init; }
}

/// <summary>A pipe whose ends lie inside the tree; if no description has one of them, nobody has it any more.</summary>
/// <param name="Id">Number within the image.</param>
/// <param name="Inode">pipe:[inode] at the moment of the snapshot.</param>
/// <param name="Capacity">F_GETPIPE_SZ in bytes.</param>
/// <param name="Content">Unread bytes.</param>
public sealed record PipeImage(int Id, ulong Inode, int Capacity, byte[] Content)
{
    /// <summary>Lengths of the packets in the content if it was written with O_DIRECT; null for a byte stream.</summary>
    public IReadOnlyList<int>? Packets { get; init; }
}

/// <summary>A memfd; its contents are a space.</summary>
public sealed record MemfdDescription : DescriptionImage
{
    /// <summary>The space.</summary>
    public required SpaceId Space { get; init; }
    /// <summary>File offset in bytes.</summary>
    public required long Position { get; init; }
}

/// <summary>eventfd(2).</summary>
public sealed record EventDescription : DescriptionImage
{
    /// <summary>Counter.</summary>
    public required ulong Count { get; init; }
    /// <summary>EFD_SEMAPHORE.</summary>
    public bool IsSemaphore { get; init; }
}

/// <summary>epoll_create(2).</summary>
public sealed record EpollDescription : DescriptionImage
{
    /// <summary>What it watches.</summary>
    public required IReadOnlyList<EpollEntryImage> Entries { get; init; }
}

/// <summary>One registration of an epoll set.</summary>
/// <param name="Descriptor">The fd number under which it was added.</param>
/// <param name="Events">EPOLL* bits.</param>
/// <param name="Data">epoll_data as 8 bytes.</param>
/// <param name="Description">The description it was added with.</param>
public sealed record EpollEntryImage(int Descriptor, uint Events, ulong Data, int Description);

/// <summary>timerfd_create(2).</summary>
public sealed record TimerDescription : DescriptionImage
{
    /// <summary>CLOCK_*.</summary>
    public required int Clock { get; init; }
    /// <summary>Expirations not yet read.</summary>
    public ulong Ticks { get; init; }
    /// <summary>TFD_TIMER_* of the last timerfd_settime.</summary>
    public int SettimeFlags { get; init; }
    /// <summary>Nanoseconds until it fires; 0 if disarmed.</summary>
    public ulong RemainingNanoseconds { get; init; }
    /// <summary>Interval in nanoseconds.</summary>
    public ulong IntervalNanoseconds { get; init; }
}

/// <summary>signalfd(2).</summary>
public sealed record SignalDescription : DescriptionImage
{
    /// <summary>Signals it takes, bit n-1 = signal n.</summary>
    public required ulong Mask { get; init; }
}

/// <summary>A pipe, socket or terminal whose other end lies outside, open as 0, 1 or 2: bound at restore to the restorer's own or to <c>--stdio</c>.</summary>
public sealed record ExternalDescription : DescriptionImage
{
    /// <summary>The lowest of 0, 1, 2 it was open as.</summary>
    public required int StandardNumber { get; init; }
    /// <summary>What it was, as /proc/PID/fd shows it: <c>pipe:[1234]</c>, <c>/dev/pts/3</c>.</summary>
    public required string Target { get; init; }
}

using System.Globalization;
using System.Runtime.InteropServices;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Files;

/// <summary>A descriptor of our own, closed when disposed; always opened close-on-exec.</summary>
public sealed unsafe class FileDescriptor : SafeHandle
{
    /// <summary>Takes over <paramref name="number"/>.</summary>
    public FileDescriptor(int number)
        : base(-1, ownsHandle: true) => SetHandle(number);

    /// <inheritdoc/>
    public override bool IsInvalid => handle < 0;

    /// <summary>The number; valid while this object lives.</summary>
    public int Number
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return (int)handle;
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => !Door.Call(SyscallNumber.close, (ulong)handle).IsError;

    /// <summary>open(2).</summary>
    /// <returns>The descriptor.</returns>
    /// <exception cref="KernelException">Any errno.</exception>
    public static FileDescriptor Open(string path, int flags, int mode = 0)
    {
        SyscallResult result = TryOpen(path, flags, mode, out FileDescriptor? opened);
        return opened ?? throw new KernelException(result.Errno, $"open {path}");
    }

    /// <summary>open(2), with the errno as a result.</summary>
    public static SyscallResult TryOpen(string path, int flags, int mode, out FileDescriptor? opened)
    {
        fixed (byte* name = Terminated(path))
        {
            SyscallResult result = Door.CallRestarting(SyscallNumber.openat, unchecked((ulong)Fcntl.AT_FDCWD), (ulong)name,
                (ulong)(flags | Fcntl.O_CLOEXEC), (ulong)mode);
            opened = result.IsError ? null : new FileDescriptor((int)result.Value);
            return result;
        }
    }

    /// <summary>memfd_create(2), close-on-exec.</summary>
    public static FileDescriptor CreateMemfd(string name, int flags = 0)
    {
        fixed (byte* text = Terminated(name))
            return new FileDescriptor((int)Door.Call(SyscallNumber.memfd_create, (ulong)text, (ulong)(flags | Mman.MFD_CLOEXEC)).OrThrow("memfd_create"));
    }

    /// <summary>socketpair(2) of AF_UNIX, close-on-exec.</summary>
    public static (FileDescriptor Ours, FileDescriptor Theirs) CreateSocketPair(int type = Poll.SOCK_STREAM)
    {
        int* pair = stackalloc int[2];
        Door.Call(SyscallNumber.socketpair, Poll.AF_UNIX, (ulong)(type | Poll.SOCK_CLOEXEC), 0, (ulong)pair).OrThrow("socketpair");
        return (new FileDescriptor(pair[0]), new FileDescriptor(pair[1]));
    }

    /// <summary>pipe2(2), close-on-exec.</summary>
    public static (FileDescriptor Read, FileDescriptor Write) CreatePipe(int flags = 0)
    {
        int* pair = stackalloc int[2];
        Door.Call(SyscallNumber.pipe2, (ulong)pair, (ulong)(flags | Fcntl.O_CLOEXEC)).OrThrow("pipe2");
        return (new FileDescriptor(pair[0]), new FileDescriptor(pair[1]));
    }

    /// <summary>eventfd2(2), close-on-exec.</summary>
    public static FileDescriptor CreateEvent(uint count, int flags = 0) =>
        new((int)Door.Call(SyscallNumber.eventfd2, count, (ulong)(flags | Timers.EFD_CLOEXEC)).OrThrow("eventfd2"));

    /// <summary>read(2); made again when interrupted.</summary>
    public SyscallResult TryRead(Span<byte> into)
    {
        fixed (byte* start = into)
            return Door.CallRestarting(SyscallNumber.read, (ulong)Number, (ulong)start, (ulong)into.Length);
    }

    /// <summary>pread(2); made again when interrupted.</summary>
    public SyscallResult TryReadAt(ulong offset, Span<byte> into)
    {
        fixed (byte* start = into)
            return Door.CallRestarting(SyscallNumber.pread64, (ulong)Number, (ulong)start, (ulong)into.Length, offset);
    }

    /// <summary>write(2); made again when interrupted.</summary>
    public SyscallResult TryWrite(ReadOnlySpan<byte> from)
    {
        fixed (byte* start = from)
            return Door.CallRestarting(SyscallNumber.write, (ulong)Number, (ulong)start, (ulong)from.Length);
    }

    /// <summary>pwrite(2); made again when interrupted.</summary>
    public SyscallResult TryWriteAt(ulong offset, ReadOnlySpan<byte> from)
    {
        fixed (byte* start = from)
            return Door.CallRestarting(SyscallNumber.pwrite64, (ulong)Number, (ulong)start, (ulong)from.Length, offset);
    }

    /// <summary>Writes everything.</summary>
    /// <exception cref="KernelException">Any errno; some bytes may have been written.</exception>
    public void WriteAll(ReadOnlySpan<byte> from)
    {
        while (from.Length > 0)
            from = from[(int)TryWrite(from).OrThrow("write")..];
    }

    /// <summary>Reads until <paramref name="into"/> is full.</summary>
    /// <returns>False if the end came before the first byte.</returns>
    /// <exception cref="KernelException">Any errno; EPIPE if the end came in the middle.</exception>
    public bool ReadFully(Span<byte> into)
    {
        int done = 0;
        while (done < into.Length)
        {
            int got = (int)TryRead(into[done..]).OrThrow("read");
            if (got == 0)
                return done == 0 ? false : throw new KernelException(Errno.EPIPE, "read: the other side ended in the middle of a message");
            done += got;
        }

        return true;
    }

    /// <summary>fcntl(2) with an integer argument.</summary>
    public SyscallResult TryControl(int command, ulong argument = 0) => Door.Call(SyscallNumber.fcntl, (ulong)Number, (ulong)command, argument);

    /// <summary>fcntl(2) with a struct argument, in and out.</summary>
    public SyscallResult TryControl<T>(int command, ref T argument)
        where T : unmanaged
    {
        fixed (T* pointer = &argument)
            return Door.Call(SyscallNumber.fcntl, (ulong)Number, (ulong)command, (ulong)pointer);
    }

    /// <summary>ioctl(2) with a struct argument, in and out.</summary>
    public SyscallResult TryIoctl<T>(ulong request, ref T argument)
        where T : unmanaged
    {
        fixed (T* pointer = &argument)
            return Door.Call(SyscallNumber.ioctl, (ulong)Number, request, (ulong)pointer);
    }

    /// <summary>dup3(2): makes a number that our children inherit mean this descriptor too.</summary>
    public void DuplicateTo(int number) => Door.CallRestarting(SyscallNumber.dup3, (ulong)Number, (ulong)number, 0).OrThrow("dup3", number);

    /// <summary>fstat(2).</summary>
    public stat Stat()
    {
        stat result;
        Door.Call(SyscallNumber.fstat, (ulong)Number, (ulong)(&result)).OrThrow("fstat", Number);
        return result;
    }

    /// <summary>newfstatat(2) of a path, symbolic links followed unless <paramref name="follow"/> is false.</summary>
    public static SyscallResult TryStat(string path, out stat result, bool follow = true)
    {
        stat found;
        fixed (byte* name = Terminated(path))
        {
            SyscallResult called = Door.Call(SyscallNumber.newfstatat, unchecked((ulong)Fcntl.AT_FDCWD), (ulong)name, (ulong)(&found),
                follow ? 0 : (ulong)Fcntl.AT_SYMLINK_NOFOLLOW);
            result = called.IsError ? default : found;
            return called;
        }
    }

    /// <summary>readlink(2): length of the link's target, cut to that of <paramref name="into"/>.</summary>
    public static SyscallResult TryReadLink(string path, Span<byte> into)
    {
        fixed (byte* name = Terminated(path))
        fixed (byte* target = into)
            return Door.Call(SyscallNumber.readlink, (ulong)name, (ulong)target, (ulong)into.Length);
    }

    /// <summary>tee(2), without waiting: copies what lies in this pipe into another, and leaves it where it is.</summary>
    /// <returns>Bytes copied, fewer than asked if the other pipe is full; EAGAIN if there are none.</returns>
    public SyscallResult TryTee(FileDescriptor into, ulong length) =>
        Door.CallRestarting(SyscallNumber.tee, (ulong)Number, (ulong)into.Number, length, (ulong)Fcntl.SPLICE_F_NONBLOCK);

    /// <summary>lseek(2).</summary>
    public SyscallResult TrySeek(long offset, int whence) => Door.Call(SyscallNumber.lseek, (ulong)Number, (ulong)offset, (ulong)whence);

    /// <summary>ftruncate(2).</summary>
    public void Truncate(ulong length) => Door.CallRestarting(SyscallNumber.ftruncate, (ulong)Number, length).OrThrow("ftruncate", Number);

    /// <summary>Waits until the descriptor is ready for <paramref name="events"/> (POLLIN, …) or <paramref name="timeoutMs"/> is over (-1: no limit).</summary>
    /// <returns>The events found; 0 after the time-out.</returns>
    public short WaitFor(short events, int timeoutMs)
    {
        var waiting = new pollfd { fd = Number, events = events };
        long end = Environment.TickCount64 + timeoutMs;
        while (true)
        {
            SyscallResult result = Door.Call(SyscallNumber.poll, (ulong)(&waiting), 1, (ulong)(long)timeoutMs);
            if (result.Errno != Errno.EINTR)
            {
                result.OrThrow("poll", Number);
                return waiting.revents;
            }

            if (timeoutMs >= 0)
                timeoutMs = (int)Math.Max(0, end - Environment.TickCount64);
        }
    }

    /// <summary>The text as C wants it: the bytes that <see cref="KernelText"/> made it of, zero-terminated.</summary>
    /// <exception cref="ArgumentException">It holds a zero, or a surrogate that stands for no byte.</exception>
    internal static byte[] Terminated(string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException("a path can't hold a zero byte", nameof(text));
        return KernelText.EncodeTerminated(text);
    }

    /// <summary><c>fd 7</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"fd {handle}");
}

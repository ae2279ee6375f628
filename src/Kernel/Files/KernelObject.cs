using Snap.Kernel.Abi;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Files;

/// <summary>Makes the descriptors that aren't files, with the state another process had in them. All are close-on-exec.</summary>
public static unsafe class KernelObject
{
    /// <summary>eventfd2(2) with a counter of any size.</summary>
    public static FileDescriptor CreateEvent(ulong count, bool isSemaphore)
    {
        FileDescriptor made = FileDescriptor.CreateEvent(0, isSemaphore ? Timers.EFD_SEMAPHORE : 0);
        if (count > 0)
            made.WriteAll(new ReadOnlySpan<byte>(&count, sizeof(ulong)));
        return made;
    }

    /// <summary>epoll_create1(2).</summary>
    public static FileDescriptor CreateEpoll() => Made(Door.Call(SyscallNumber.epoll_create1, Timers.EPOLL_CLOEXEC), "epoll_create1");

    /// <summary>signalfd4(2).</summary>
    public static FileDescriptor CreateSignal(ulong mask) =>
        Made(Door.Call(SyscallNumber.signalfd4, ulong.MaxValue, (ulong)(&mask), 8, Timers.SFD_CLOEXEC), "signalfd4");

    /// <summary>timerfd_create(2), disarmed.</summary>
    public static SyscallResult TryCreateTimer(int clock, out FileDescriptor? made)
    {
        SyscallResult result = Door.Call(SyscallNumber.timerfd_create, (ulong)clock, Timers.TFD_CLOEXEC);
        made = result.IsError ? null : new FileDescriptor((int)result.Value);
        return result;
    }

    /// <summary>timerfd_settime(2).</summary>
    public static SyscallResult TrySetTimer(FileDescriptor timer, int flags, in itimerspec when)
    {
        fixed (itimerspec* pointer = &when)
            return Door.Call(SyscallNumber.timerfd_settime, (ulong)timer.Number, (ulong)flags, (ulong)pointer);
    }

    /// <summary>clock_gettime(2) in nanoseconds.</summary>
    public static long ReadClock(int clock)
    {
        timespec now;
        Door.Call(SyscallNumber.clock_gettime, (ulong)clock, (ulong)(&now)).OrThrow("clock_gettime", clock);
        return (now.tv_sec * 1_000_000_000) + now.tv_nsec;
    }

    /// <summary>flock(2).</summary>
    public static SyscallResult TryLock(FileDescriptor file, int operation) => Door.Call(SyscallNumber.flock, (ulong)file.Number, (ulong)operation);

    /// <summary>fchmod(2).</summary>
    public static SyscallResult TryChangeMode(FileDescriptor file, int mode) => Door.Call(SyscallNumber.fchmod, (ulong)file.Number, (ulong)mode);

    /// <summary>Another descriptor for the same description, its number at least <paramref name="atLeast"/>.</summary>
    public static SyscallResult TryDuplicate(FileDescriptor file, int atLeast, out FileDescriptor? made)
    {
        SyscallResult result = file.TryControl(Fcntl.F_DUPFD_CLOEXEC, (ulong)atLeast);
        made = result.IsError ? null : new FileDescriptor((int)result.Value);
        return result;
    }

    /// <summary>Another descriptor for what our own <paramref name="number"/> refers to.</summary>
    /// <returns>EBADF if it isn't open.</returns>
    public static SyscallResult TryDuplicate(int number, out FileDescriptor? made)
    {
        SyscallResult result = Door.Call(SyscallNumber.fcntl, (ulong)number, Fcntl.F_DUPFD_CLOEXEC, 3);
        made = result.IsError ? null : new FileDescriptor((int)result.Value);
        return result;
    }

    private static FileDescriptor Made(SyscallResult result, string operation) => new((int)result.OrThrow(operation));
}

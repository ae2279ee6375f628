using Snap.Kernel.Abi;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Processes;

/// <summary>kcmp(2): whether two processes, or two descriptors, refer to the same object of the kernel.</summary>
/// <remarks>0: the same; 1 and 2: the first sorts before or behind the second, in an order that is stable until a reboot. Needs the right to ptrace both.</remarks>
public static unsafe class KernelCompare
{
    /// <summary>Compares the open file descriptions behind two descriptors.</summary>
    public static SyscallResult Descriptions(int pid1, int descriptor1, int pid2, int descriptor2) =>
        Door.Call(SyscallNumber.kcmp, (ulong)pid1, (ulong)pid2, Sched.KCMP_FILE, (ulong)descriptor1, (ulong)descriptor2);

    /// <summary>Compares what two tasks have: <paramref name="resource"/> is KCMP_VM, KCMP_FILES, KCMP_FS or KCMP_SIGHAND.</summary>
    public static SyscallResult Resources(int resource, int tid1, int tid2) =>
        Door.Call(SyscallNumber.kcmp, (ulong)tid1, (ulong)tid2, (ulong)resource);

    /// <summary>Compares the description behind a descriptor with one that an epoll set watches.</summary>
    /// <param name="pid">The process of both.</param>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="epoll">The epoll set's descriptor.</param>
    /// <param name="registered">The number it was registered by.</param>
    /// <param name="index">Which of the registrations by that number, from 0.</param>
    public static SyscallResult WithEpollTarget(int pid, int descriptor, int epoll, int registered, int index)
    {
        var slot = new kcmp_epoll_slot { efd = (uint)epoll, tfd = (uint)registered, toff = (uint)index };
        return Door.Call(SyscallNumber.kcmp, (ulong)pid, (ulong)pid, Sched.KCMP_EPOLL_TFD, (ulong)descriptor, (ulong)(&slot));
    }
}

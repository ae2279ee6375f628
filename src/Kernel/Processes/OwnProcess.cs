using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Processes;

/// <summary>What a process of ours sets, and asks, about itself.</summary>
public static unsafe class OwnProcess
{
    /// <summary>The user that we act as: geteuid(2).</summary>
    public static uint EffectiveUser => (uint)Door.Call(SyscallNumber.geteuid).Value;

    /// <summary>Lets nobody but root trace us, dump our core or read our memory: it holds that of targets. PR_SET_DUMPABLE.</summary>
    public static void ForbidDumps() => Door.Call(SyscallNumber.prctl, Prctl.PR_SET_DUMPABLE, 0).OrThrow("prctl(PR_SET_DUMPABLE)");

    /// <summary>The calling thread's name, cut after 15 bytes; the main thread's is what ps shows.</summary>
    public static void SetThreadName(string name)
    {
        fixed (byte* text = FileDescriptor.Terminated(name))
            Door.Call(SyscallNumber.prctl, Prctl.PR_SET_NAME, (ulong)text).OrThrow("prctl(PR_SET_NAME)");
    }

    /// <summary>Orphans among our descendants become our children. PR_SET_CHILD_SUBREAPER.</summary>
    public static void AdoptOrphans() => Door.Call(SyscallNumber.prctl, Prctl.PR_SET_CHILD_SUBREAPER, 1).OrThrow("prctl(PR_SET_CHILD_SUBREAPER)");

    /// <summary>Puts the calling thread before all usual ones (SCHED_FIFO, lowest priority), or back among them.</summary>
    /// <returns>False if we may not.</returns>
    /// <remarks>For the length of a freeze only: each thread that is woken would otherwise take the processor from the one that wakes them.</remarks>
    public static bool TrySetRealTime(bool on)
    {
        int priority = on ? 1 : 0;
        int policy = (on ? Sched.SCHED_FIFO : Sched.SCHED_NORMAL) | Sched.SCHED_RESET_ON_FORK;
        return !Door.Call(SyscallNumber.sched_setscheduler, 0, (ulong)policy, (ulong)(&priority)).IsError;
    }

    /// <summary>True if a new timer may be given the id of our choice (Linux 6.15).</summary>
    public static bool CanChooseTimerIds { get; } =
        !Door.Call(SyscallNumber.prctl, Prctl.PR_TIMER_CREATE_RESTORE_IDS, Prctl.PR_TIMER_CREATE_RESTORE_IDS_GET).IsError;

    /// <summary>Lets us open as many descriptors as we ever may: raises the soft limit to the hard one.</summary>
    public static void RaiseDescriptorLimit()
    {
        rlimit64 limit;
        Door.Call(SyscallNumber.prlimit64, 0, Sched.RLIMIT_NOFILE, 0, (ulong)(&limit)).OrThrow("prlimit64");
        if (limit.rlim_cur == limit.rlim_max)
            return;
        limit.rlim_cur = limit.rlim_max;
        Door.Call(SyscallNumber.prlimit64, 0, Sched.RLIMIT_NOFILE, (ulong)(&limit)).OrThrow("prlimit64");
    }

    /// <summary>Marks every descriptor above 2 close-on-exec, those that we inherited among them: what our children get is then only what is given to them.</summary>
    public static void KeepDescriptorsFromChildren() =>
        Door.Call(SyscallNumber.close_range, 3, int.MaxValue, Fcntl.CLOSE_RANGE_CLOEXEC).OrThrow("close_range(CLOSE_RANGE_CLOEXEC)");
}

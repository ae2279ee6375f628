using Snap.Kernel.Abi;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Processes;

/// <summary>What a child or tracee of ours has to tell, looked at and left for whoever shall take it.</summary>
/// <param name="Code">CLD_*; 0 for nothing.</param>
/// <param name="Status">Exit code, or the signal with PTRACE_EVENT_* from bit 8 on.</param>
internal readonly record struct ChildState(int Code, int Status)
{
    /// <summary>Nothing happened to it.</summary>
    public bool IsNothing => Code == 0;

    /// <summary>It ended, and waits to be reaped.</summary>
    public bool HasEnded => Code is Signal.CLD_EXITED or Signal.CLD_KILLED or Signal.CLD_DUMPED;

    /// <summary>It stopped.</summary>
    public bool IsStopped => Code is Signal.CLD_TRAPPED or Signal.CLD_STOPPED;

    /// <summary>waitid(2) with WNOWAIT.</summary>
    /// <param name="tid">Of a child, or of a thread that we trace.</param>
    /// <param name="options">WUNTRACED, WNOHANG. Without WUNTRACED, too, the kernel tells the stops of a tracee, to every thread of ours.</param>
    /// <param name="state">What it told.</param>
    /// <returns>EINTR, ECHILD, or success.</returns>
    public static unsafe SyscallResult TryLook(int tid, int options, out ChildState state)
    {
        child_siginfo info = default;
        SyscallResult waited = Door.Call(SyscallNumber.waitid, Sched.P_PID, (ulong)tid, (ulong)(&info), (ulong)(Sched.WEXITED | Sched.WNOWAIT | Sched.__WALL | options), 0);
        state = waited.IsError || info.si_pid == 0 ? default : new ChildState(info.si_code, info.si_status);
        return waited;
    }
}

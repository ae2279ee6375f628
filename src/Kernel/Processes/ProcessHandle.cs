using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Processes;

/// <summary>A pidfd: names one process for sure, also after its pid has been given to another.</summary>
public sealed unsafe class ProcessHandle : IDisposable
{
    private readonly FileDescriptor _pidfd;

    private ProcessHandle(int pid, FileDescriptor pidfd) => (Pid, _pidfd) = (pid, pidfd);

    /// <summary>The pid it was opened with.</summary>
    public int Pid { get; }

    /// <summary>True once the process has ended (it may still be a zombie).</summary>
    public bool HasExited => _pidfd.WaitFor(Poll.POLLIN, 0) != 0;

    /// <summary>pidfd_open(2).</summary>
    /// <returns>Null if there is no such process.</returns>
    public static ProcessHandle? OpenOrGone(int pid)
    {
        SyscallResult opened = Door.Call(SyscallNumber.pidfd_open, (ulong)pid, 0);
        if (opened.Errno == Errno.ESRCH)
            return null;
        return new ProcessHandle(pid, new FileDescriptor((int)opened.OrThrow("pidfd_open", pid)));
    }

    /// <summary>pidfd_getfd(2): a descriptor of ours for the open file description behind the target's <paramref name="number"/>.</summary>
    public SyscallResult TryTakeDescriptor(int number, out FileDescriptor? taken)
    {
        SyscallResult result = Door.Call(SyscallNumber.pidfd_getfd, (ulong)_pidfd.Number, (ulong)number, 0);
        taken = result.IsError ? null : new FileDescriptor((int)result.Value);
        return result;
    }

    /// <summary>pidfd_send_signal(2).</summary>
    public SyscallResult TrySignal(int signal) => Door.Call(SyscallNumber.pidfd_send_signal, (ulong)_pidfd.Number, (ulong)signal, 0, 0);

    /// <summary>Waits for the process to end.</summary>
    /// <returns>False after the time-out (-1: no limit).</returns>
    public bool WaitForExit(int timeoutMs) => _pidfd.WaitFor(Poll.POLLIN, timeoutMs) != 0;

    /// <inheritdoc/>
    public void Dispose() => _pidfd.Dispose();
}

using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Procfs;
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

    /// <summary>Whether the kernel tells everybody how a process ended (PIDFD_INFO_EXIT, Linux 6.15), also after it was reaped.</summary>
    public static bool TellsExit { get; } = SystemFiles.ParseKernelVersion(SystemFiles.ReadKernelRelease()) >= new Version(6, 15);

    /// <summary>How it ended, though it is no child of ours.</summary>
    /// <returns>Null while it runs, or where the kernel doesn't tell: before Linux 6.15 once it was reaped, and without the right to trace it until then.</returns>
    public WaitStatus? ReadExit()
    {
        if (!HasExited)
            return null;
        var info = new pidfd_info { mask = Pidfd.PIDFD_INFO_EXIT };
        SyscallResult asked = _pidfd.TryIoctl(Pidfd.PIDFD_GET_INFO, ref info);
        if (!asked.IsError && (info.mask & Pidfd.PIDFD_INFO_EXIT) != 0)
            return new WaitStatus(info.exit_code);
        // A zombie's status is in its stat, for those who may trace it; others read 0 there, which can't be told from a good end.
        TaskFiles zombie = TaskFiles.OfProcess(Pid);
        if (zombie.ReadStat() is not { IsDead: true } stat || zombie.ReadStatus() is not { } status)
            return null;
        uint own = OwnProcess.EffectiveUser;
        return stat.ExitCode != 0 || own == 0 || own == status.Uid.Effective ? new WaitStatus(stat.ExitCode) : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _pidfd.Dispose();
}

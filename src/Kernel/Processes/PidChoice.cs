using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Processes;

/// <summary>The right to choose the pid of a new process, which restoring under the old pid needs (clone3 with set_tid).</summary>
public static unsafe class PidChoice
{
    /// <summary>Finds out by asking for pid 1, which always exists in this pid namespace: nothing is ever started.</summary>
    /// <returns>EEXIST: we may choose pids. EPERM: neither CAP_SYS_ADMIN nor CAP_CHECKPOINT_RESTORE. ENOSYS, EINVAL, E2BIG: too old a kernel, or a sandbox.</returns>
    public static SyscallResult Probe()
    {
        int taken = 1;
        var arguments = new clone_args { exit_signal = Signal.SIGCHLD, set_tid = (ulong)(&taken), set_tid_size = 1 };
        // 80 bytes: the size with set_tid and without cgroup (Linux 5.5).
        SyscallResult result = Door.Call(SyscallNumber.clone3, (ulong)(&arguments), 80);
        // Cannot happen while pid 1 lives; should a kernel do it all the same, the child must not run our caller's code twice.
        if (result.Value == 0)
            Door.Call(SyscallNumber.exit_group, 0);
        return result;
    }

    /// <summary>True if <paramref name="id"/> can't be given to a new process now: it is that of a process, thread, group or session, or was until a moment ago.</summary>
    /// <remarks>
    /// The kernel takes a process out of /proc some microseconds before its id is free (release_task). F_SETOWN knows ids as such, whether or not somebody has
    /// them; the file belongs to nobody, and is closed at once.
    /// </remarks>
    public static bool IsInUse(int id)
    {
        using FileDescriptor scratch = FileDescriptor.Open("/dev/null", Fcntl.O_RDONLY);
        return scratch.TryControl(Fcntl.F_SETOWN, (ulong)id).Errno != Errno.ESRCH;
    }
}

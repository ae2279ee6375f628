using System.Runtime.InteropServices;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;

namespace Snap.Restorer.Building;

/// <summary>What a process has once, whatever its threads.</summary>
internal sealed class ProcessCalls(RestorePlan plan, ProcessImage process, InheritedDescriptors inherited, CallList calls)
{
    private const int SignalCount = 64, CloneThread =
        (int)(Sched.CLONE_VM | Sched.CLONE_FS | Sched.CLONE_FILES | Sched.CLONE_SIGHAND | Sched.CLONE_THREAD | Sched.CLONE_SYSVSEM | Sched.CLONE_PTRACE);

    /// <summary>Every soft limit up to its hard one: those of the shell that restores shall not stand in the way.</summary>
    public void RaiseLimits(IReadOnlyList<ResourceLimit> inheritedLimits)
    {
        for (int i = 0; i < inheritedLimits.Count; i++)
        {
            calls.Room(1, 32);
            calls.Call("raising a limit", SyscallNumber.prlimit64, 0, (ulong)i,
                calls.Put(new rlimit64 { rlim_cur = inheritedLimits[i].Hard, rlim_max = inheritedLimits[i].Hard }));
        }
    }

    /// <summary>After memory is filled, before the threads: they inherit what is set here.</summary>
    public void AddBeforeThreads()
    {
        calls.Call("entering the working directory", SyscallNumber.fchdir, inherited.NumberOf(plan.WorkingDirectory(process)));
        calls.Call("setting the umask", SyscallNumber.umask, (ulong)process.Umask);
        calls.Call("setting the personality", SyscallNumber.personality, process.Personality);
        calls.Call("switching huge pages", SyscallNumber.prctl, Prctl.PR_SET_THP_DISABLE, process.HugePagesDisabled ? 1UL : 0);
        if (process.IsSubreaper)
            calls.Call("becoming a subreaper", SyscallNumber.prctl, Prctl.PR_SET_CHILD_SUBREAPER, 1);
        SetMemoryLayout();
        for (int signal = 1; signal <= SignalCount; signal++)
        {
            // SIGTRAP ends our batches, and comes last.
            if (signal is Signal.SIGKILL or Signal.SIGSTOP or Signal.SIGTRAP)
                continue;
            calls.Room(1, 48);
            calls.Call($"setting the action of signal {signal}", SyscallNumber.rt_sigaction, (ulong)signal, calls.Put(Action(signal)), 0, 8);
        }

        // Registering is quick only as long as there is one thread.
        for (int bit = 0; bit < 31; bit++)
        {
            if ((process.MembarrierRegistrations >> bit & 1) != 0)
                calls.Call("registering for membarrier", SyscallNumber.membarrier, 1UL << bit);
        }
    }

    /// <summary>struct kernel_sigaction of a signal: handler, flags, restorer, mask.</summary>
    public byte[] Action(int signal)
    {
        SignalActionImage action = process.SignalActions[signal - 1];
        ulong[] words = [action.Handler, action.Flags, action.Restorer, action.Mask];
        return MemoryMarshal.AsBytes<ulong>(words).ToArray();
    }

    /// <summary>The other threads; each stops before its first instruction, traced by us.</summary>
    public void CloneThreads()
    {
        foreach (ThreadImage thread in process.Threads.Skip(1))
        {
            calls.Room(1, 160);
            ulong arguments = calls.Put(new clone_args { flags = CloneThread, set_tid = calls.Put(thread.Tid), set_tid_size = 1 });
            calls.CallFor(thread.Tid, $"starting thread {thread.Tid}", SyscallNumber.clone3, arguments, (ulong)Marshal.SizeOf<clone_args>());
        }
    }

    /// <summary>With the power that we still have: pending signals, and the limits.</summary>
    public void AddBeforeCredentials()
    {
        foreach (byte[] info in process.PendingSignals.Where(info => SignalNumber(info) != Signal.SIGTRAP))
        {
            calls.Room(1, info.Length);
            calls.Call("queueing a pending signal", SyscallNumber.rt_sigqueueinfo, (ulong)process.Pid, (ulong)SignalNumber(info), calls.Put(info));
        }

        for (int i = 0; i < process.Limits.Count; i++)
        {
            calls.Room(1, 32);
            calls.Call("setting a limit", SyscallNumber.prlimit64, 0, (ulong)i,
                calls.Put(new rlimit64 { rlim_cur = process.Limits[i].Current, rlim_max = process.Limits[i].Maximum }));
        }
    }

    /// <summary>After the credentials, whose change resets it.</summary>
    public void SetDumpable()
    {
        // 2 can't be set, only come about by a change of credentials where fs.suid_dumpable says so.
        if (process.Dumpable == 2)
            calls.CallFor(2, "restoring the dumpable attribute 2", SyscallNumber.prctl, Prctl.PR_GET_DUMPABLE);
        else
            calls.Call("setting the dumpable attribute", SyscallNumber.prctl, Prctl.PR_SET_DUMPABLE, (ulong)process.Dumpable);
    }

    /// <summary>si_signo of a siginfo_t.</summary>
    public static int SignalNumber(byte[] info) => BitConverter.ToInt32(info);

    private void SetMemoryLayout()
    {
        MemoryLayoutImage layout = process.MemoryLayout;
        calls.Room(1, layout.AuxiliaryVector.Length + 160);
        ulong map = calls.Put(new prctl_mm_map
        {
            start_code = layout.StartCode,
            end_code = layout.EndCode,
            start_data = layout.StartData,
            end_data = layout.EndData,
            start_brk = layout.StartBreak,
            brk = layout.Break,
            start_stack = layout.StartStack,
            arg_start = layout.ArgumentsStart,
            arg_end = layout.ArgumentsEnd,
            env_start = layout.EnvironmentStart,
            env_end = layout.EnvironmentEnd,
            auxv = calls.Put(layout.AuxiliaryVector),
            auxv_size = (uint)layout.AuxiliaryVector.Length,
            exe_fd = (uint)inherited.NumberOf(plan.Files.Executable(process)),
        });
        calls.Call("setting the marks of the address space", SyscallNumber.prctl, Prctl.PR_SET_MM, Prctl.PR_SET_MM_MAP, map, (ulong)Marshal.SizeOf<prctl_mm_map>());
    }
}

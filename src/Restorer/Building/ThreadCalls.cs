using System.Runtime.InteropServices;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;

namespace Snap.Restorer.Building;

/// <summary>What each thread has of its own, set by calls of its own.</summary>
internal static class ThreadCalls
{
    private const int IoPriorityClassShift = 13, IoPriorityBestEffort = 2;

    public static void Add(ProcessImage process, ThreadImage thread, CredentialCalls credentials, CallList calls)
    {
        calls.Room(2, 128);
        byte[] name = KernelText.Encode(thread.Name);
        calls.Call("naming a thread", SyscallNumber.prctl, Prctl.PR_SET_NAME, calls.Put([.. name, 0]));
        calls.CallFor(thread.Tid, "setting the address to clear at the thread's end", SyscallNumber.set_tid_address, thread.ClearTidAddress);
        if (thread.RobustListLength > 0)
            calls.Call("setting the robust list", SyscallNumber.set_robust_list, thread.RobustListHead, thread.RobustListLength);
        calls.Room(1, 64);
        calls.Call("setting the alternate stack", SyscallNumber.sigaltstack, calls.Put(new stack_t
        {
            ss_sp = thread.AlternateStack.Address,
            // SS_ONSTACK is told by the stack pointer, and can't be set.
            ss_flags = thread.AlternateStack.Flags & ~Signal.SS_ONSTACK,
            ss_size = thread.AlternateStack.Length,
        }));
        if (thread.RestartableSequence is { Address: not 0 } sequence)
            calls.Call("registering restartable sequences", SyscallNumber.rseq, sequence.Address, sequence.Length, sequence.Flags, sequence.Signature);
        AddScheduling(thread, calls);
        foreach (byte[] info in thread.PendingSignals.Where(info => ProcessCalls.SignalNumber(info) != Signal.SIGTRAP))
        {
            calls.Room(1, info.Length);
            calls.Call("queueing a thread's pending signal", SyscallNumber.rt_tgsigqueueinfo, (ulong)process.Pid, (ulong)thread.Tid,
                (ulong)ProcessCalls.SignalNumber(info), calls.Put(info));
        }

        credentials.Add(calls);
        // Setting user ids clears it.
        calls.Call("setting the signal for the parent's end", SyscallNumber.prctl, Prctl.PR_SET_PDEATHSIG, (ulong)thread.ParentDeathSignal);
    }

    /// <summary>What the thread goes on with.</summary>
    /// <remarks>
    /// A thread stopped inside a restartable sequence goes to its abort handler, as the kernel would have had it; one in an interrupted call makes it
    /// again. The first may already have been done when the snapshot was taken: then its rip is no longer inside.
    /// </remarks>
    public static user_regs_struct Registers(ThreadImage thread, RemoteMemory memory)
    {
        user_regs_struct registers = MemoryMarshal.Read<user_regs_struct>(thread.Registers);
        if (thread.RestartableSequence is { Address: not 0 } sequence)
            RestartableSequence.AbortIfInside(ref registers, new ptrace_rseq_configuration { rseq_abi_pointer = sequence.Address }, memory);
        SyscallRestart.Rewind(ref registers, sameThread: false);
        return registers;
    }

    private static void AddScheduling(ThreadImage thread, CallList calls)
    {
        if (thread.Affinity.Length > 0)
        {
            calls.Room(1, thread.Affinity.Length);
            calls.Call("setting the processors of a thread", SyscallNumber.sched_setaffinity, 0, (ulong)thread.Affinity.Length, calls.Put(thread.Affinity));
        }

        calls.Room(1, 16);
        calls.Call("setting the scheduling policy", SyscallNumber.sched_setscheduler, 0, (ulong)thread.SchedulingPolicy, calls.Put(thread.SchedulingPriority));
        calls.Call("setting the nice value", SyscallNumber.setpriority, Sched.PRIO_PROCESS, 0, (ulong)(long)thread.Nice);
        if (thread.TimerSlackNanoseconds > 0)
            calls.Call("setting the timer slack", SyscallNumber.prctl, Prctl.PR_SET_TIMERSLACK, thread.TimerSlackNanoseconds);
        // Where none was set, ioprio_get tells what follows from the nice value; setting that would no longer follow it.
        int implied = (IoPriorityBestEffort << IoPriorityClassShift) | ((thread.Nice + 20) / 5);
        calls.Call("setting the I/O priority", SyscallNumber.ioprio_set, Prctl.IOPRIO_WHO_PROCESS, 0,
            (ulong)(thread.IoPriority == implied ? 0 : thread.IoPriority));
    }
}

using System.Runtime.CompilerServices;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Tracing;

/// <summary>One traced thread of a target. Every call must come from the thread of ours that seized it: the kernel answers any other with ESRCH.</summary>
/// <remarks>ptrace(2). When that thread of ours ends, however it ends, the kernel detaches the tracee and it runs on.</remarks>
public sealed unsafe class Tracee
{
    private readonly int _owner = Environment.CurrentManagedThreadId;

    private Tracee(int tid) => Tid = tid;

    /// <summary>Thread id.</summary>
    public int Tid { get; }

    /// <summary>The last stop that was waited for.</summary>
    public WaitStatus LastStop { get; private set; }

    /// <summary>PTRACE_SEIZE: starts tracing without stopping.</summary>
    /// <returns>ESRCH: it ended. EPERM: no right to, or another tracer has it.</returns>
    public static SyscallResult TrySeize(int tid, int options, out Tracee? tracee)
    {
        SyscallResult seized = Door.Call(SyscallNumber.ptrace, Ptrace.PTRACE_SEIZE, (ulong)tid, 0, (ulong)options);
        tracee = seized.IsError ? null : new Tracee(tid);
        return seized;
    }

    /// <summary>Takes charge of a thread that the kernel attached to us by itself (CLONE_PTRACE).</summary>
    public static Tracee AdoptAttached(int tid) => new(tid);

    /// <summary>PTRACE_INTERRUPT: asks it to stop; the stop comes later, see <see cref="TryWait"/>.</summary>
    public SyscallResult TryInterrupt() => Call(Ptrace.PTRACE_INTERRUPT, 0, 0);

    /// <summary>Waits for its next stop or end.</summary>
    /// <returns>False when <paramref name="deadline"/> passed first. If it ended, <see cref="LastStop"/> isn't a stop.</returns>
    /// <remarks>
    /// The stop is looked at and left (WNOWAIT): should we die now, a thread stopped by a signal gets the signal. wait4 takes away what the kernel
    /// would deliver then, and the signal would be lost; <see cref="TakeStop"/> does that where it is meant.
    /// </remarks>
    public bool TryWait(Deadline deadline)
    {
        CheckOwner();
        while (true)
        {
            bool isLate = deadline.HasPassed;
            SyscallResult waited = ChildState.TryLook(Tid, Sched.WUNTRACED | (isLate ? Sched.WNOHANG : 0), out ChildState state);
            if (waited.Errno == Errno.ECHILD)
            {
                // Reaped elsewhere: a thread other than the leader that ended while exec or exit_group took the process down.
                LastStop = new WaitStatus(Signal.SIGKILL);
                return true;
            }

            if (waited.Errno != Errno.EINTR)
                waited.OrThrow("waitid", Tid);
            if (!state.IsNothing)
            {
                // An end has to be taken, or the thread stays a zombie and its process with it.
                if (state.IsStopped)
                    LastStop = new WaitStatus((state.Status << 8) | 0x7F);
                else
                    TakeStop();
                return true;
            }

            if (isLate)
                return false;
        }
    }

    /// <summary>Takes the stop or end that <see cref="TryWait"/> has seen: the signal that it is stopped by, if it is, won't be delivered if we die.</summary>
    public void TakeStop()
    {
        int status;
        SyscallResult taken = Door.CallRestarting(SyscallNumber.wait4, (ulong)Tid, (ulong)(&status), unchecked((ulong)(Sched.__WALL | Sched.WNOHANG)));
        LastStop = taken.IsError || taken.Value == 0 ? new WaitStatus(Signal.SIGKILL) : new WaitStatus(status);
    }

    /// <summary>Waits until it is parked in an event stop, delivering signals that come first.</summary>
    /// <returns>False when the deadline passed. Check <see cref="IsParked"/>: it may have ended.</returns>
    public bool TryPark(Deadline deadline)
    {
        while (TryWait(deadline))
        {
            if (!LastStop.IsStopped || LastStop.IsEventStop)
                return true;
            Fault.Hit(FaultPoint.Seize);
            // A signal was on its way, and is the target's own: it gets it, and the interrupt, which is sticky, parks it right after.
            int signal = LastStop.IsSignalStop && LastStop.Event == 0 ? LastStop.StopSignal : 0;
            if (TryContinue(signal).IsError)
                continue;
        }

        return false;
    }

    /// <summary>True while it stands in an event stop.</summary>
    public bool IsParked => LastStop.IsEventStop;

    /// <summary>The signal that job control stopped the whole group with; 0 if the target isn't stopped by anyone but us.</summary>
    public int GroupStopSignal => LastStop.IsEventStop && LastStop.StopSignal != Signal.SIGTRAP ? LastStop.StopSignal : 0;

    /// <summary>PTRACE_CONT with a signal to deliver, 0 for none.</summary>
    public SyscallResult TryContinue(int signal = 0) => Call(Ptrace.PTRACE_CONT, 0, (ulong)signal);

    /// <summary>PTRACE_SYSCALL: runs to the entry or exit of its next system call.</summary>
    public SyscallResult TryContinueToCall() => Call(Ptrace.PTRACE_SYSCALL, 0, 0);

    /// <summary>PTRACE_DETACH with a signal to deliver, 0 for none; it runs on.</summary>
    public SyscallResult TryDetach(int signal = 0) => Call(Ptrace.PTRACE_DETACH, 0, (ulong)signal);

    /// <summary>PTRACE_SETOPTIONS.</summary>
    public SyscallResult TrySetOptions(int options) => Call(Ptrace.PTRACE_SETOPTIONS, 0, (ulong)options);

    /// <summary>General registers.</summary>
    public user_regs_struct GetRegisters()
    {
        user_regs_struct registers;
        var vector = new iovec { iov_base = (ulong)(&registers), iov_len = (ulong)sizeof(user_regs_struct) };
        Call(Ptrace.PTRACE_GETREGSET, Ptrace.NT_PRSTATUS, (ulong)(&vector)).OrThrow("read registers of thread", Tid);
        return registers;
    }

    /// <summary>Has the thread, where it stands stopped, make a call again that it would otherwise leave with EINTR: see <see cref="SyscallRestart.TryWaitAgain"/>.</summary>
    /// <remarks>One that was killed meanwhile is left alone.</remarks>
    public void WaitAgain()
    {
        const ulong longMode = 0x33;
        user_regs_struct registers;
        var vector = new iovec { iov_base = (ulong)(&registers), iov_len = (ulong)sizeof(user_regs_struct) };
        if (!Call(Ptrace.PTRACE_GETREGSET, Ptrace.NT_PRSTATUS, (ulong)(&vector)).IsError && registers.cs == longMode && SyscallRestart.TryWaitAgain(ref registers))
            Call(Ptrace.PTRACE_SETREGSET, Ptrace.NT_PRSTATUS, (ulong)(&vector));
    }

    /// <summary>Sets the general registers.</summary>
    public void SetRegisters(in user_regs_struct registers)
    {
        fixed (user_regs_struct* pointer = &registers)
        {
            var vector = new iovec { iov_base = (ulong)pointer, iov_len = (ulong)sizeof(user_regs_struct) };
            Call(Ptrace.PTRACE_SETREGSET, Ptrace.NT_PRSTATUS, (ulong)(&vector)).OrThrow("set registers of thread", Tid);
        }
    }

    /// <summary>The whole XSTATE (x87, SSE, AVX, AVX-512, PKRU, …).</summary>
    /// <returns>Bytes written to <paramref name="into"/>, which must be large enough (16 KiB are).</returns>
    public int GetExtendedState(Span<byte> into)
    {
        fixed (byte* pointer = into)
        {
            var vector = new iovec { iov_base = (ulong)pointer, iov_len = (ulong)into.Length };
            Call(Ptrace.PTRACE_GETREGSET, Ptrace.NT_X86_XSTATE, (ulong)(&vector)).OrThrow("read extended state of thread", Tid);
            return (int)vector.iov_len;
        }
    }

    /// <summary>Sets the XSTATE; exactly as many bytes as the kernel gives.</summary>
    public void SetExtendedState(ReadOnlySpan<byte> from)
    {
        fixed (byte* pointer = from)
        {
            var vector = new iovec { iov_base = (ulong)pointer, iov_len = (ulong)from.Length };
            Call(Ptrace.PTRACE_SETREGSET, Ptrace.NT_X86_XSTATE, (ulong)(&vector)).OrThrow("set extended state of thread", Tid);
        }
    }

    /// <summary>Blocked signals; in a call that swaps the mask (ppoll, sigsuspend), the one it will put back.</summary>
    public ulong GetSignalMask()
    {
        ulong mask;
        Call(Ptrace.PTRACE_GETSIGMASK, sizeof(ulong), (ulong)(&mask)).OrThrow("read signal mask of thread", Tid);
        return mask;
    }

    /// <summary>Sets the blocked signals.</summary>
    public void SetSignalMask(ulong mask) => Call(Ptrace.PTRACE_SETSIGMASK, sizeof(ulong), (ulong)(&mask)).OrThrow("set signal mask of thread", Tid);

    /// <summary>Pending signals in order, each as the 128 bytes of siginfo_t.</summary>
    /// <param name="shared">Those of the process instead of this thread's.</param>
    public byte[][] PeekSignals(bool shared)
    {
        const int size = 128, batch = 32;
        var found = new List<byte[]>();
        byte* buffer = stackalloc byte[size * batch];
        while (true)
        {
            var arguments = new ptrace_peeksiginfo_args { off = (ulong)found.Count, flags = shared ? (uint)Ptrace.PTRACE_PEEKSIGINFO_SHARED : 0, nr = batch };
            int got = (int)Call(Ptrace.PTRACE_PEEKSIGINFO, (ulong)(&arguments), (ulong)buffer).OrThrow("read pending signals of thread", Tid);
            for (int i = 0; i < got; i++)
                found.Add(new ReadOnlySpan<byte>(buffer + (i * size), size).ToArray());
            if (got < batch)
                return [.. found];
        }
    }

    /// <summary>rseq(2) registration (Linux 5.13); null where the kernel can't tell.</summary>
    public ptrace_rseq_configuration? GetRestartableSequence()
    {
        ptrace_rseq_configuration configuration;
        SyscallResult got = Call(Ptrace.PTRACE_GET_RSEQ_CONFIGURATION, (ulong)sizeof(ptrace_rseq_configuration), (ulong)(&configuration));
        return got.IsError ? null : configuration;
    }

    /// <summary>True if system calls of the thread are turned into SIGSYS (prctl PR_SET_SYSCALL_USER_DISPATCH); Linux before 6.4 doesn't tell.</summary>
    public bool HasSyscallUserDispatch()
    {
        // PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, newer than most C headers: struct { u64 mode, selector, offset, len }.
        const int request = 0x4211;
        ulong* configuration = stackalloc ulong[4];
        return !Call(request, 4 * sizeof(ulong), (ulong)configuration).IsError && configuration[0] != 0;
    }

    /// <summary>One classic BPF program of the seccomp filters, newest first: 8 bytes an instruction (PTRACE_SECCOMP_GET_FILTER).</summary>
    /// <returns>ENOENT past the last; EACCES without CAP_SYS_ADMIN.</returns>
    public SyscallResult TryGetSeccompFilter(int index, out byte[] program)
    {
        program = [];
        SyscallResult length = Call(Ptrace.PTRACE_SECCOMP_GET_FILTER, (ulong)index, 0);
        if (length.IsError)
            return length;
        program = new byte[length.Value * 8];
        fixed (byte* pointer = program)
            return Call(Ptrace.PTRACE_SECCOMP_GET_FILTER, (ulong)index, (ulong)pointer);
    }


    private void CheckOwner([CallerMemberName] string? what = null)
    {
        if (Environment.CurrentManagedThreadId != _owner)
            throw new InvalidOperationException($"{what}: thread {Tid} is traced by another thread of ours");
    }

    private SyscallResult Call(int request, ulong address, ulong data)
    {
        CheckOwner();
        return Door.Call(SyscallNumber.ptrace, (ulong)request, (ulong)Tid, address, data);
    }
}

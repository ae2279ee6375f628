using Snap.Kernel.Abi;

namespace Snap.Kernel.Tracing;

/// <summary>Makes a thread that stands in an interrupted system call make it again by itself, without the kernel's help.</summary>
/// <remarks>
/// The kernel keeps -ERESTART* in rax and restarts the call when it resumes the thread, as long as orig_rax is the call's number. In another
/// process, or when the registers are put back by code in the target, nobody does that; so the instruction pointer goes back over the
/// two bytes of `syscall` and rax is the number again.
/// </remarks>
public static class SyscallRestart
{
    private const long ERESTARTSYS = -512, ERESTARTNOINTR = -513, ERESTARTNOHAND = -514, ERESTART_RESTARTBLOCK = -516;

    /// <summary>True if the registers are those of an interrupted call that would be restarted.</summary>
    public static bool IsPending(in user_regs_struct registers) =>
        (long)registers.orig_rax >= 0 && (long)registers.rax is ERESTARTSYS or ERESTARTNOINTR or ERESTARTNOHAND or ERESTART_RESTARTBLOCK;

    /// <summary>Has a call that waits for ever made again, where the kernel would have it fail with EINTR only because the thread was stopped.</summary>
    /// <remarks>
    /// signal(7): epoll_wait, sigwaitinfo and semop fail after any stop. EINTR means that they have done nothing, so the kernel is told to make
    /// them again, as it does by itself with poll: unless a signal is handled first, when it is EINTR after all. Those with a time-out
    /// would wait for the whole of it each time, and with frequent checkpoints never come to its end: they stay as they are.
    /// </remarks>
    /// <param name="registers">As the stop showed them, of a thread in 64-bit mode.</param>
    /// <returns>True if they were changed.</returns>
    public static bool TryWaitAgain(ref user_regs_struct registers)
    {
        if ((long)registers.orig_rax < 0 || (long)registers.rax != -(long)Errno.EINTR)
            return false;
        bool isEndless = (SyscallNumber)registers.orig_rax switch
        {
            SyscallNumber.epoll_wait or SyscallNumber.epoll_pwait => (int)registers.r10 < 0,
            SyscallNumber.epoll_pwait2 or SyscallNumber.semtimedop => registers.r10 == 0,
            SyscallNumber.rt_sigtimedwait => registers.rdx == 0,
            SyscallNumber.semop => true,
            _ => false,
        };
        if (isEndless)
            registers.rax = unchecked((ulong)ERESTARTNOHAND);
        return isEndless;
    }

    /// <summary>True if the call goes on by restart_syscall(2), with what the kernel noted down about it.</summary>
    public static bool HasRestartBlock(in user_regs_struct registers) => (long)registers.orig_rax >= 0 && (long)registers.rax == ERESTART_RESTARTBLOCK;

    /// <summary>
    /// True if the kernel may have prepared that already: the thread was stopped anew behind the stop, before it ran an instruction. It has if there is a
    /// `syscall` instruction at rip; else it is a call that returned 219.
    /// </summary>
    public static bool IsAboutToRestart(in user_regs_struct registers) =>
        (long)registers.orig_rax >= 0 && registers.rax == (ulong)SyscallNumber.restart_syscall;

    /// <summary>Undoes that.</summary>
    public static void TakeBackRestart(ref user_regs_struct registers)
    {
        registers.rip += 2;
        registers.rax = unchecked((ulong)ERESTART_RESTARTBLOCK);
    }

    /// <summary>Rewinds to the call.</summary>
    /// <param name="registers">As the stop showed them.</param>
    /// <param name="sameThread">
    /// True if the same thread goes on: then a call with a time-out goes on through restart_syscall(2), which knows what remains. In a new
    /// process it starts anew with its whole time-out.
    /// </param>
    public static void Rewind(ref user_regs_struct registers, bool sameThread)
    {
        if (!IsPending(registers))
            return;
        bool block = (long)registers.rax == ERESTART_RESTARTBLOCK;
        registers.rip -= 2;
        registers.rax = block && sameThread ? (ulong)SyscallNumber.restart_syscall : registers.orig_rax;
        registers.orig_rax = ulong.MaxValue;
    }
}

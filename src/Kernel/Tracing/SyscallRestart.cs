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

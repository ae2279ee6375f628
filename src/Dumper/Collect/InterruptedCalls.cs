using System.Runtime.InteropServices;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;

namespace Snap.Dumper.Collect;

/// <summary>Finds which call a thread stands in that was interrupted before.</summary>
/// <remarks>
/// A call with a time-out that was interrupted goes on as restart_syscall(2), which knows by a note in the kernel what it goes on with. Interrupted a
/// second time, by the next checkpoint at the latest, its registers say restart_syscall and nothing else; a restored thread has no such note and would
/// get EINTR. Only four calls leave one (kernel/futex, kernel/time/hrtimer.c, fs/select.c), and arguments are kept in their registers.
/// What is known best is taken: what the same thread stood in at an earlier freeze; the kernel function it was seen to sleep in while it ran; its arguments.
/// </remarks>
internal sealed class InterruptedCalls(int pid)
{
    private const ulong LowestAddress = 4096;
    private readonly Dictionary<int, user_regs_struct> _known = [];
    private readonly Dictionary<int, string> _sleepingIn = [];
    private readonly HashSet<int> _seen = [];

    /// <summary>Looks at threads that were not there at the last look; the target runs.</summary>
    public void LookLive()
    {
        _sleepingIn.Clear();
        List<int> tids = TaskFiles.OfProcess(pid).ListThreads() ?? [];
        foreach (int gone in _seen.Except(tids).ToArray())
        {
            _seen.Remove(gone);
            _known.Remove(gone);
        }

        foreach (int tid in tids)
        {
            if (!_seen.Add(tid))
                continue;
            TaskFiles thread = TaskFiles.OfThread(pid, tid);
            if (thread.ReadBlockedCall() is { Number: (long)SyscallNumber.restart_syscall } && thread.ReadWaitChannel() is { } function)
                _sleepingIn[tid] = function;
        }
    }

    /// <summary>Makes <paramref name="registers"/> those of the thread in its first interruption, in the form that a stop shows.</summary>
    public void Name(int tid, ref user_regs_struct registers, RemoteMemory memory)
    {
        if (SyscallRestart.IsAboutToRestart(registers) && IsSyscallInstruction(memory, registers.rip))
            SyscallRestart.TakeBackRestart(ref registers);
        if (!SyscallRestart.HasRestartBlock(registers))
            return;
        if (registers.orig_rax == (ulong)SyscallNumber.restart_syscall)
            registers.orig_rax = (ulong)Find(tid, registers, memory);
        _known[tid] = registers;
    }

    private SyscallNumber Find(int tid, in user_regs_struct registers, RemoteMemory memory)
    {
        if (_known.TryGetValue(tid, out user_regs_struct earlier))
        {
            user_regs_struct now = registers;
            now.orig_rax = earlier.orig_rax;
            if (MemoryMarshal.AsBytes(new ReadOnlySpan<user_regs_struct>(in now)).SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<user_regs_struct>(in earlier))))
                return (SyscallNumber)earlier.orig_rax;
        }

        string function = _sleepingIn.GetValueOrDefault(tid, "");
        if (function.Contains("poll", StringComparison.Ordinal))
            return SyscallNumber.poll;
        if (function.Contains("futex", StringComparison.Ordinal))
            return SyscallNumber.futex;
        bool isClock = registers.rdi < LowestAddress || (int)registers.rdi < 0;
        if (function.Contains("sleep", StringComparison.Ordinal))
            return isClock ? SyscallNumber.clock_nanosleep : SyscallNumber.nanosleep;
        return ByArguments(registers, memory, isClock);
    }

    private static SyscallNumber ByArguments(in user_regs_struct registers, RemoteMemory memory, bool isClock)
    {
        const ulong modifiers = Futex.FUTEX_PRIVATE_FLAG | Futex.FUTEX_CLOCK_REALTIME;
        if (isClock && IsTime(memory, registers.rdx))
            return SyscallNumber.clock_nanosleep;
        if (IsTime(memory, registers.rdi) && (registers.rsi == 0 || registers.rsi >= LowestAddress))
            return SyscallNumber.nanosleep;
        return (registers.rsi & ~modifiers) is Futex.FUTEX_WAIT or Futex.FUTEX_WAIT_BITSET && registers.rdi % sizeof(int) == 0 && IsTime(memory, registers.r10)
            ? SyscallNumber.futex : SyscallNumber.poll;
    }

    private static bool IsTime(RemoteMemory memory, ulong address)
    {
        Span<ulong> time = stackalloc ulong[2];
        return address >= LowestAddress && memory.TryRead(new RemoteAddress(address), MemoryMarshal.AsBytes(time)).Value == 16
            && (long)time[0] >= 0 && time[1] < 1_000_000_000;
    }

    private static bool IsSyscallInstruction(RemoteMemory memory, ulong address)
    {
        Span<byte> code = stackalloc byte[2];
        return memory.TryReadForced(new RemoteAddress(address), code).Value == 2 && code.SequenceEqual((ReadOnlySpan<byte>)[0x0F, 0x05]);
    }
}

using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Syscalls;
using Snap.Kernel.Tracing;

namespace Snap.Kernel.Injection;

/// <summary>Where code may be put for the very first call, which makes the agent's own mapping.</summary>
/// <param name="Start">First byte of the unused part.</param>
/// <param name="Length">Bytes unused, all zero.</param>
public readonly record struct CodeSlack(RemoteAddress Start, int Length);

/// <summary>Our mapping inside a target, through which it makes system calls for us; stays there, named <c>[anon:snap]</c>, for the next time.</summary>
/// <remarks>
/// Invariant: at every instant between two of our ptrace calls, a SIGKILL of ours leaves the thread on a way back to its own registers, mask and
/// code, without a call made twice, a descriptor left open, or a mapping that nobody would know for ours. The first call, too: its code lies
/// in the zero bytes behind the [vdso]'s code, written there through /proc/PID/mem and wiped after use, because an mmap made by bare registers
/// would leave the thread in the vdso if we died.
/// Layout: code and slots (r-x, written from outside): a page for batches of one thread, and as many copies as there are lanes; then the data
/// (rw-): that of batches, then that of the lanes, by which several threads make calls at the same time (<see cref="ThreadLanes"/>).
/// </remarks>
public sealed class InjectionAgent
{
    /// <summary>Bytes of the mapping.</summary>
    public const ulong Length = 128 * 1024;

    /// <summary>Bytes of it that hold code, at its start; what follows is data.</summary>
    public const ulong CodeLength = 4096 + ThreadLanes.CodeLength;

    /// <summary>The name it carries in /proc/PID/maps where the kernel can name anonymous memory.</summary>
    public const string MappingName = "snap";

    /// <summary>Calls one batch of the agent's own size holds.</summary>
    public const int MaxCalls = 320;

    private readonly RemoteMemory _memory;

    /// <summary>An agent that was installed before, at <paramref name="start"/>.</summary>
    public InjectionAgent(RemoteMemory memory, RemoteAddress start) => (_memory, Start) = (memory, start);

    /// <summary>First byte of the mapping.</summary>
    public RemoteAddress Start { get; }

    /// <summary>The mapping.</summary>
    public RemoteRange Range => new(Start, Length);

    internal RemoteMemory Memory => _memory;

    internal RemoteAddress DataStart => Start + CodeLength;

    internal bool DataIsWritable { get; set; }

    /// <summary>The session whose thread the slots are filled in for.</summary>
    internal InjectionSession? Occupant { get; set; }

    /// <summary>True while our code still lies in the target where it was put: exec and munmap take it away.</summary>
    public bool IsIntact
    {
        get
        {
            Span<byte> found = stackalloc byte[AgentCode.SlotsOffset];
            SyscallResult read = _memory.TryRead(Start, found);
            return read.Value == found.Length && found[..AgentCode.Code.Length].SequenceEqual(AgentCode.Code);
        }
    }

    /// <summary>Finds the zero bytes behind the code of the target's [vdso].</summary>
    /// <param name="memory">The target's.</param>
    /// <param name="vdso">The [vdso] mapping.</param>
    /// <returns>Null if fewer than needed are free.</returns>
    public static CodeSlack? FindSlack(RemoteMemory memory, RemoteRange vdso)
    {
        var bytes = new byte[vdso.Length];
        memory.Read(vdso.Start, bytes);
        // Code of ours that a killed tracer could not wipe any more is free as well.
        int left = bytes.AsSpan().IndexOf(AgentCode.Code);
        if (left >= 0)
            bytes.AsSpan(left).Clear();
        int used = bytes.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        int start = (used + 63) & ~63;
        // In one page: a write by a tracer that is being killed may end between two.
        if (4096 - (start & 4095) < AgentCode.Length)
            start = (start | 4095) + 1;
        return bytes.Length - start >= AgentCode.Length ? new CodeSlack(vdso.Start + (ulong)start, bytes.Length - start) : null;
    }

    /// <summary>Makes the mapping, by a call of the parked <paramref name="thread"/>.</summary>
    /// <param name="pid">Its process.</param>
    /// <param name="thread">Parked.</param>
    /// <param name="memory">The target's.</param>
    /// <param name="slack">From <see cref="FindSlack"/>.</param>
    /// <param name="stopSignal">A signal that the target ignores by default, doesn't handle and has not pending: see <see cref="StopSignal"/>.</param>
    /// <exception cref="InjectionException">The target's mmap failed, or it ended.</exception>
    public static InjectionAgent Install(int pid, Tracee thread, RemoteMemory memory, CodeSlack slack, int stopSignal)
    {
        using var borrowed = BorrowedThread.Save(thread, memory);
        memory.WriteForced(slack.Start, AgentCode.Build(pid, thread.Tid, stopSignal, borrowed.Mask, borrowed.Cured));
        try
        {
            user_regs_struct call = borrowed.Original;
            call.rip = slack.Start.Value;
            call.orig_rax = ulong.MaxValue;
            (call.r12, call.r13, call.r14) = (0, 0, Length);
            borrowed.RunFrom(call, stopSignal);
            var mapped = new SyscallResult((long)thread.GetRegisters().r15);
            if (mapped.IsError)
                throw new InjectionException($"the target's address space has no room for {Length >> 10} KiB more (mmap: {mapped.Errno})");
            var agent = new InjectionAgent(memory, new RemoteAddress((ulong)mapped.Value));
            memory.WriteForced(agent.Start, AgentCode.Build(pid, thread.Tid, stopSignal, borrowed.Mask, borrowed.Cured));
            Fault.Hit(FaultPoint.Inject);
            return agent;
        }
        finally
        {
            borrowed.Dispose();
            WipeSlack(memory, slack);
            Fault.Hit(FaultPoint.Inject);
        }
    }

    /// <summary>Borrows a parked thread for batches; give it back by disposing.</summary>
    /// <param name="pid">Its process.</param>
    /// <param name="thread">Parked.</param>
    /// <param name="stopSignal">As for <see cref="Install"/>.</param>
    public InjectionSession Enter(int pid, Tracee thread, int stopSignal) => new(this, pid, thread, stopSignal);

    /// <summary>An empty batch with room for <see cref="MaxCalls"/> calls and about 38 KiB of data.</summary>
    public RemoteBatch NewBatch(int maxCalls = MaxCalls) => new(DataStart, (int)(Length - CodeLength - ThreadLanes.DataLength), maxCalls);

    /// <summary>Lanes in which several threads of a process make calls at the same time.</summary>
    public ThreadLanes NewLanes() => new(this);

    private static void WipeSlack(RemoteMemory memory, CodeSlack slack)
    {
        try
        {
            memory.WriteForced(slack.Start, new byte[AgentCode.Length]);
        }
        catch (KernelException gone) when (gone.Errno is Errno.ESRCH or Errno.EIO)
        {
            // The target ended meanwhile; there is nothing left to wipe.
        }
    }
}

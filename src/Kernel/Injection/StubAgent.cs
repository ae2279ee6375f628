using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Syscalls;
using Snap.Kernel.Tracing;

namespace Snap.Kernel.Injection;

/// <summary>Makes tables of system calls inside a <see cref="Processes.StubProcess"/>, which has nothing of its own to lose.</summary>
/// <remarks>
/// Unlike <see cref="InjectionAgent"/> it cures nothing: if we die, the stub dies too. A batch ends in int3, because a signal of ours would
/// interfere with the pending signals that are put into the process: queueing a stop signal drops a pending SIGCONT, and a SIGURG could be its own.
/// So SIGTRAP must be unblocked, default and not pending while batches run; what concerns SIGTRAP itself is done by <see cref="CallAlone"/>.
/// <code>
/// 00 loop: test r12, r12; jz 2F     r12 entries of 64 bytes at rbx (nr, a0..a5, result)
/// 05       load nr, a0..a5
/// 20       syscall
/// 22       store the result; next
/// 2F       int3
/// </code>
/// </remarks>
public sealed class StubAgent
{
    /// <summary>Bytes of the area that hold the code; tables lie behind.</summary>
    public const ulong CodeLength = 4096;

    private const int SyscallOffset = 0x20;
    private const byte Breakpoint = 0xCC;

    private readonly RemoteMemory _memory;
    private readonly RemoteRange _area;

    /// <summary>Puts the code at the start of <paramref name="area"/>.</summary>
    public StubAgent(RemoteMemory memory, RemoteRange area)
    {
        (_memory, _area) = (memory, area);
        memory.WriteForced(area.Start, Loop);
        memory.WriteForced(area.Start + (ulong)Loop.Length, [Breakpoint]);
    }

    /// <summary>Makes r12 calls from rbx on and falls through.</summary>
    internal static ReadOnlySpan<byte> Loop =>
    [
        0x4D, 0x85, 0xE4, 0x74, 0x2A, 0x48, 0x8B, 0x03, 0x48, 0x8B, 0x7B, 0x08, 0x48, 0x8B, 0x73, 0x10,
        0x48, 0x8B, 0x53, 0x18, 0x4C, 0x8B, 0x53, 0x20, 0x4C, 0x8B, 0x43, 0x28, 0x4C, 0x8B, 0x4B, 0x30,
        0x0F, 0x05, 0x48, 0x89, 0x43, 0x38, 0x48, 0x83, 0xC3, 0x40, 0x49, 0xFF, 0xCC, 0xEB, 0xD1,
    ];

    /// <summary>A `syscall` instruction of ours, for <see cref="CallAlone"/>.</summary>
    public RemoteAddress SyscallInstruction => _area.Start + SyscallOffset;

    /// <summary>An empty batch that uses a part of the area.</summary>
    /// <param name="offset">From the end of the code.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="maxCalls">Calls it holds; the rest of the bytes is for data.</param>
    public RemoteBatch NewBatch(ulong offset, int length, int maxCalls)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(CodeLength + offset + (ulong)length, _area.Length);
        return new RemoteBatch(_area.Start + CodeLength + offset, length, maxCalls);
    }

    /// <summary>Makes the calls of <paramref name="batch"/> in <paramref name="thread"/>; afterwards results and data are filled in.</summary>
    /// <exception cref="InjectionException">The thread ended, or stopped for another reason.</exception>
    public void Run(Tracee thread, RemoteBatch batch)
    {
        if (batch.Count == 0)
            return;
        Begin(thread, batch);
        End(thread, batch);
    }

    /// <summary>Starts a batch; <see cref="End"/> waits for it. Batches of several threads may run at once, in different parts of the area.</summary>
    public void Begin(Tracee thread, RemoteBatch batch)
    {
        _memory.Write(batch.Area, batch.EntryBytes);
        if (batch.DataBytes.Length > 0)
            _memory.Write(batch.DataStart, batch.DataBytes);
        user_regs_struct registers = thread.GetRegisters();
        registers.rip = _area.Start.Value;
        registers.orig_rax = ulong.MaxValue;
        (registers.rbx, registers.r12) = (batch.Area.Value, (ulong)batch.Count);
        thread.SetRegisters(registers);
        thread.SetSignalMask(~StopSignal.Bit(Signal.SIGTRAP));
        thread.TryContinue().OrThrow("resume thread", thread.Tid);
    }

    /// <summary>Waits for the end of what <see cref="Begin"/> started.</summary>
    public void End(Tracee thread, RemoteBatch batch)
    {
        WaitPastContinued(thread, toCall: false);
        if (!thread.LastStop.IsSignalStop || thread.LastStop.StopSignal != Signal.SIGTRAP)
            throw new InjectionException($"thread {thread.Tid} of the process being restored {thread.LastStop}", targetGone: !thread.LastStop.IsStopped);
        _memory.Read(batch.Area, batch.EntriesToFill);
        if (batch.DataBytes.Length > 0)
            _memory.Read(batch.DataStart, batch.DataToFill);
    }

    /// <summary>Makes one call by a `syscall` instruction anywhere in the process, with every signal blocked: two stops, no table, no breakpoint.</summary>
    public static SyscallResult CallAlone(Tracee thread, RemoteAddress instruction, SyscallNumber number, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0)
    {
        user_regs_struct registers = thread.GetRegisters();
        registers.rip = instruction.Value;
        registers.orig_rax = ulong.MaxValue;
        (registers.rax, registers.rdi, registers.rsi, registers.rdx, registers.r10) = ((ulong)number, a, b, c, d);
        thread.SetSignalMask(ulong.MaxValue);
        thread.SetRegisters(registers);
        for (int stop = 0; stop < 2; stop++)
        {
            thread.TryContinueToCall().OrThrow("resume thread", thread.Tid);
            WaitPastContinued(thread, toCall: true);
            if (!thread.LastStop.IsSyscallStop)
                throw new InjectionException($"thread {thread.Tid} of the process being restored {thread.LastStop}", targetGone: !thread.LastStop.IsStopped);
        }

        return new SyscallResult((long)thread.GetRegisters().rax);
    }

    /// <summary>Begins a call that doesn't come back.</summary>
    public static void BeginAlone(Tracee thread, RemoteAddress instruction, SyscallNumber number, ulong a = 0)
    {
        user_regs_struct registers = thread.GetRegisters();
        registers.rip = instruction.Value;
        registers.orig_rax = ulong.MaxValue;
        (registers.rax, registers.rdi) = ((ulong)number, a);
        thread.SetRegisters(registers);
        thread.TryContinue().OrThrow("resume thread", thread.Tid);
    }

    /// <summary>Sets what a thread shall go on with, and parks it there in an event stop, from which it may be detached.</summary>
    /// <remarks>The interrupt is asked for first, so the thread takes that stop before it looks at a signal or runs one instruction.</remarks>
    public static void ParkWith(Tracee thread, in user_regs_struct registers, ReadOnlySpan<byte> extendedState, ulong signalMask)
    {
        thread.SetExtendedState(extendedState);
        thread.SetSignalMask(signalMask);
        thread.SetRegisters(registers);
        thread.TryInterrupt().OrThrow("interrupt thread", thread.Tid);
        thread.TryContinue().OrThrow("resume thread", thread.Tid);
        thread.TryWait(Deadline.Never);
        if (!thread.IsParked)
            throw new InjectionException($"thread {thread.Tid} of the process being restored {thread.LastStop}", targetGone: !thread.LastStop.IsStopped);
    }

    // Whenever SIGCONT is queued, which may be a pending signal that is put back, each seized thread tells its tracer by an event stop (ptrace(2), listening).
    private static void WaitPastContinued(Tracee thread, bool toCall)
    {
        thread.TryWait(Deadline.Never);
        while (thread.LastStop.IsEventStop)
        {
            (toCall ? thread.TryContinueToCall() : thread.TryContinue()).OrThrow("resume thread", thread.Tid);
            thread.TryWait(Deadline.Never);
        }
    }
}

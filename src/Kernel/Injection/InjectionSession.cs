using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Tracing;

namespace Snap.Kernel.Injection;

/// <summary>A thread borrowed for batches of system calls; disposing gives it back as it was.</summary>
public sealed class InjectionSession : IDisposable
{
    private readonly InjectionAgent _agent;
    private readonly BorrowedThread _borrowed;
    private readonly int _pid;
    private readonly int _stopSignal;

    internal InjectionSession(InjectionAgent agent, int pid, Tracee thread, int stopSignal)
    {
        _agent = agent;
        _pid = pid;
        _stopSignal = stopSignal;
        Thread = thread;
        _borrowed = BorrowedThread.Save(thread, agent.Memory);
    }

    /// <summary>The thread that makes the calls.</summary>
    public Tracee Thread { get; }

    /// <summary>The target's memory.</summary>
    public RemoteMemory Memory => _agent.Memory;

    /// <summary>Registers of the thread as it was stopped.</summary>
    public user_regs_struct Registers => _borrowed.Original;

    /// <summary>Signal mask of the thread as it was stopped.</summary>
    public ulong SignalMask => _borrowed.Mask;

    /// <summary>Makes the agent's data writable, if nothing has run yet: what <see cref="ThreadLanes"/> need first.</summary>
    public void PrepareData()
    {
        if (_agent.DataIsWritable)
            return;
        Occupy();
        MakeDataWritable();
    }

    /// <summary>Makes the calls of <paramref name="batch"/> inside the target; afterwards its results and data are filled in.</summary>
    /// <exception cref="InjectionException">The target ended.</exception>
    /// <remarks>Sessions of several threads may be open at once; the agent serves the one that ran last.</remarks>
    public void Run(RemoteBatch batch)
    {
        Occupy();
        if (!_agent.DataIsWritable)
            MakeDataWritable();
        // The entries behind the stop point to results, which must be no live descriptor until the call that makes it has returned.
        _agent.Memory.WriteForced(batch.Area, batch.EntryBytes);
        if (batch.AfterCount > 0)
            _agent.Memory.WriteForced(batch.AfterStart, batch.AfterBytes);
        if (batch.DataBytes.Length > 0)
            _agent.Memory.WriteForced(batch.DataStart, batch.DataBytes);
        Fault.Hit(FaultPoint.Inject);
        Execute(batch.Area, batch.Count, batch.AfterStart, batch.AfterCount);
        _agent.Memory.Read(batch.Area, batch.EntriesToFill);
        if (batch.DataBytes.Length > 0)
            _agent.Memory.Read(batch.DataStart, batch.DataToFill);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _borrowed.Dispose();
        if (_agent.Occupant == this)
            _agent.Occupant = null;
    }

    // The agent has one set of slots, from which an abandoned thread heals itself. So before they become this thread's, the thread whose they
    // were has to have left the agent's code: killed in between, it would go on as another thread.
    private void Occupy()
    {
        if (_agent.Occupant == this)
            return;
        _agent.Occupant?._borrowed.Dispose();
        _agent.Occupant = null;
        Span<byte> slots = stackalloc byte[AgentCode.Length - AgentCode.SlotsOffset];
        AgentCode.WriteSlots(slots, _pid, Thread.Tid, _stopSignal, _borrowed.Mask, _borrowed.Cured);
        _agent.Memory.WriteForced(_agent.Start + AgentCode.SlotsOffset, slots);
        _agent.Occupant = this;
    }

    // The mapping is made r-x in one call. The first batch, written from outside, makes its data area writable: its result is stored after that.
    private void MakeDataWritable()
    {
        RemoteBatch batch = _agent.NewBatch(4);
        batch.Add(SyscallNumber.mprotect, _agent.DataStart.Value, InjectionAgent.Length - InjectionAgent.CodeLength, (ulong)(Mman.PROT_READ | Mman.PROT_WRITE));
        // Kept apart from the target's own mappings, which it would be merged with; and no child or core dump of the target's has a use for it.
        batch.Add(SyscallNumber.madvise, _agent.Start.Value, InjectionAgent.Length, (ulong)Mman.MADV_DONTFORK);
        batch.Add(SyscallNumber.madvise, _agent.Start.Value, InjectionAgent.Length, (ulong)Mman.MADV_DONTDUMP);
        RemoteAddress name = batch.PutText(InjectionAgent.MappingName);
        // Named where the kernel can (CONFIG_ANON_VMA_NAME); where not, the mapping is only known by its address.
        batch.Add(SyscallNumber.prctl, (ulong)Prctl.PR_SET_VMA, (ulong)Prctl.PR_SET_VMA_ANON_NAME, _agent.Start.Value, InjectionAgent.Length, name.Value);
        _agent.Memory.WriteForced(batch.Area, batch.EntryBytes);
        _agent.Memory.WriteForced(batch.DataStart, batch.DataBytes);
        Execute(batch.Area, batch.Count, batch.AfterStart, 0);
        _agent.Memory.Read(batch.Area, batch.EntriesToFill);
        batch.Result(0).OrThrow("mprotect of the agent's data area in the target");
        _agent.DataIsWritable = true;
    }

    private void Execute(RemoteAddress table, int count, RemoteAddress after, int afterCount)
    {
        user_regs_struct entry = _borrowed.Original;
        entry.rip = _agent.Start.Value;
        entry.orig_rax = ulong.MaxValue;
        (entry.rbx, entry.r12, entry.rbp, entry.r13, entry.r14) = (table.Value, (ulong)count, after.Value, (ulong)afterCount, 0);
        _borrowed.RunFrom(entry, _stopSignal);
    }
}

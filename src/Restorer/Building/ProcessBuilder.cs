using System.Globalization;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Injection;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Kernel.Syscalls;
using Snap.Kernel.Tracing;
using Snap.Restorer.Checks;
using Snap.Restorer.Memory;
using ImageMappingKind = Snap.Image.MappingKind;

namespace Snap.Restorer.Building;

/// <summary>Makes one process of a plan, from a stub to threads that stand still where the snapshot left them.</summary>
/// <remarks>
/// Everything happens on one thread of ours, the tracer. Until the end the process dies with it: by PR_SET_PDEATHSIG up to the seizing, by
/// PTRACE_O_EXITKILL from then on. The order is that of KERNEL's facts: docs/design.md, "Restore".
/// </remarks>
internal sealed class ProcessBuilder : IDisposable
{
    private const ulong AreaLength = 256 * 1024;
    private const int MaxCalls = 1024;
    private const int Options = Ptrace.PTRACE_O_TRACESYSGOOD | Ptrace.PTRACE_O_EXITKILL;

    private readonly RestorePlan _plan;
    private readonly ProcessImage _process;
    private readonly InheritedDescriptors _inherited;
    private readonly AddressLayout _layout;
    private readonly List<Tracee> _threads = [];
    private RemoteRange _area;
    private RemoteMemory? _memory;
    private StubAgent? _agent;
    private RemoteBatch? _batch;

    public ProcessBuilder(RestorePlan plan, ProcessImage process)
    {
        (_plan, _process) = (plan, process);
        _inherited = new InheritedDescriptors(plan, process);
        _layout = new AddressLayout(process.Mappings);
    }

    /// <summary>The process, once started.</summary>
    public ChildProcess? Child { get; private set; }

    /// <summary>Its threads, the leader first.</summary>
    public IReadOnlyList<Tracee> Threads => _threads;

    private RemoteMemory Memory => _memory ?? throw new InvalidOperationException("not started");

    private StubAgent Agent => _agent ?? throw new InvalidOperationException("not started");

    public void Dispose()
    {
        _inherited.Dispose();
        _memory?.Dispose();
    }

    /// <summary>Starts the stub and stops it.</summary>
    public void Start()
    {
        const ulong programPage = 4096;
        RemoteRange room = _layout.TryTake(programPage + AreaLength)
            ?? throw CallList.Failure(_process.Pid, "starting it", "its address space has no hole of 260 KiB");
        _area = new RemoteRange(room.Start + programPage, AreaLength);
        try
        {
            Child = StubProcess.Start(new StubOptions
            {
                Pid = _process.Pid,
                Memory = room,
                Descriptors = _inherited.Own,
                Inherited = _inherited.Temporary,
                FirstFree = _inherited.FirstFree,
            });
        }
        catch (KernelException taken) when (taken.Errno == Errno.EEXIST)
        {
            throw IdentityCheck.TakenByGroup(_process.Pid);
        }

        Fault.Hit(FaultPoint.Rebuild);
        Tracee.TrySeize(_process.Pid, Options, out Tracee? leader).OrThrow("seize pid", _process.Pid);
        _threads.Add(leader!);
        leader!.TryInterrupt().OrThrow("interrupt pid", _process.Pid);
        Park(leader);
        Fault.Hit(FaultPoint.Rebuild);
        _memory = RemoteMemory.Open(_process.Pid);
        _agent = new StubAgent(_memory, _area);
        _batch = _agent.NewBatch(0, (int)(AreaLength - StubAgent.CodeLength), MaxCalls);
        CheckExtendedState(leader);
    }

    public void Build(IPageSource pages)
    {
        Tracee leader = _threads[0];
        CallList calls = NewCalls(leader);
        var memory = new MemoryCalls(_plan, _process, _inherited, calls);
        var process = new ProcessCalls(_plan, _process, _inherited, calls);
        var descriptors = new DescriptorCalls(_plan, _process, _inherited, calls);
        ProcStatus status = TaskFiles.OfProcess(_process.Pid).ReadStatus() ?? throw Ended();

        process.RaiseLimits(TaskFiles.OfProcess(_process.Pid).ReadLimits() ?? throw Ended());
        memory.Clear(_area);
        memory.Map(_layout);
        calls.Flush();
        Fault.Hit(FaultPoint.Rebuild);
        Fill(memory, pages);
        Fault.Hit(FaultPoint.Rebuild);

        memory.Finish();
        process.AddBeforeThreads();
        descriptors.Add();
        process.CloneThreads();
        calls.Flush();
        Fault.Hit(FaultPoint.Rebuild);
        foreach (ThreadImage thread in _process.Threads.Skip(1))
            _threads.Add(Tracee.AdoptAttached(thread.Tid));
        foreach (Tracee thread in _threads.Skip(1))
            Park(thread);

        WriteAttributes();
        user_regs_struct[] registers = [.. _process.Threads.Select(thread => ThreadCalls.Registers(thread, Memory))];
        descriptors.AddOwners();
        TimerCalls.Create(_process, calls);
        process.AddBeforeCredentials();
        calls.Flush();
        var credentials = new CredentialCalls(_process.Credentials, status);
        for (int i = 0; i < _threads.Count; i++)
        {
            CallList own = NewCalls(_threads[i]);
            ThreadCalls.Add(_process, _process.Threads[i], credentials, own);
            own.Flush();
            Fault.Hit(FaultPoint.Rebuild);
        }

        process.SetDumpable();
        memory.Seal();
        calls.Call("closing what was needed for building", SyscallNumber.close_range, (ulong)_inherited.FirstFree, int.MaxValue);
        descriptors.AddLocks();
        TimerCalls.Arm(_process, calls);
        calls.Flush();
        Fault.Hit(FaultPoint.Rebuild);
        Leave(process, registers);
        Fault.Hit(FaultPoint.Rebuild);
        // Our ends of its pipes must not outlive the building: it would never see their end.
        _inherited.Dispose();
    }

    /// <summary>Lets all threads go.</summary>
    public void Release()
    {
        foreach (Tracee thread in _threads)
            thread.TryDetach();
    }

    /// <summary>Ends the process, and reaps it and its threads.</summary>
    public void Kill()
    {
        if (Child is null)
            return;
        AdoptRest();
        Child.Signal(Signal.SIGKILL);
        // The leader can be reaped only after the others, which are ours to reap because we trace them.
        foreach (Tracee thread in Enumerable.Reverse(_threads))
        {
            do
                thread.TryWait(Deadline.Never);
            while (thread.LastStop.IsStopped);
        }

        if (_threads.Count == 0)
            Child.Wait();
    }

    // Threads that were started in a batch which then failed.
    private void AdoptRest()
    {
        if (_threads.Count == 0)
            return;
        foreach (int tid in TaskFiles.OfProcess(_process.Pid).ListThreads() ?? [])
        {
            if (_threads.All(thread => thread.Tid != tid))
                _threads.Add(Tracee.AdoptAttached(tid));
        }
    }

    private CallList NewCalls(Tracee thread) => new(Agent, thread, _batch!, _process.Pid);

    private SnapException Ended() => CallList.Failure(_process.Pid, "building it", "it was killed meanwhile");

    private void Park(Tracee thread)
    {
        thread.TryPark(Deadline.Never);
        if (!thread.IsParked)
            throw Ended();
    }

    private void CheckExtendedState(Tracee leader)
    {
        Span<byte> state = stackalloc byte[16 * 1024];
        int length = leader.GetExtendedState(state);
        if (_process.Threads.FirstOrDefault(thread => thread.ExtendedState.Length != length) is { } differing)
            throw new SnapException(ErrorCatalogue.ProcessorDiffers, $"cannot restore pid {_process.Pid}: this processor's registers are laid out otherwise",
                why: $"XSTATE has {length} bytes here, and had {differing.ExtendedState.Length}");
    }

    private void Fill(MemoryCalls memory, IPageSource pages)
    {
        var filler = new PageFiller(pages, Memory);
        memory.AddPages(pages, filler);
        filler.Run(_plan.Options.FillThreads);
    }

    private void WriteAttributes()
    {
        WriteAttribute("oom_score_adj", _process.OomScoreAdjust.ToString(CultureInfo.InvariantCulture));
        WriteAttribute("coredump_filter", $"0x{_process.CoredumpFilter:x}");
    }

    private void WriteAttribute(string name, string value)
    {
        using FileDescriptor file = FileDescriptor.Open($"/proc/{_process.Pid}/{name}", Fcntl.O_WRONLY);
        SyscallResult written = file.TryWrite(System.Text.Encoding.ASCII.GetBytes(value));
        if (written.IsError)
            throw CallList.Failure(_process.Pid, $"setting {name} to {value}", written.Errno.ToString());
    }

    // The last calls can't be in a batch: what concerns SIGTRAP, and the unmapping of the batch itself, made by an instruction of the process's own.
    private void Leave(ProcessCalls process, user_regs_struct[] registers)
    {
        Tracee leader = _threads[0];
        RemoteAddress instruction = FindSyscallInstruction();
        RemoteAddress data = _area.Start + StubAgent.CodeLength;
        Memory.Write(data, process.Action(Signal.SIGTRAP));
        StubAgent.CallAlone(leader, instruction, SyscallNumber.rt_sigaction, Signal.SIGTRAP, data.Value, 0, 8).OrThrow("set the action of SIGTRAP");
        foreach (byte[] info in _process.PendingSignals.Where(info => ProcessCalls.SignalNumber(info) == Signal.SIGTRAP))
        {
            Memory.Write(data, info);
            StubAgent.CallAlone(leader, instruction, SyscallNumber.rt_sigqueueinfo, (ulong)_process.Pid, Signal.SIGTRAP, data.Value).OrThrow("queue SIGTRAP");
        }

        for (int i = 0; i < _threads.Count; i++)
        {
            foreach (byte[] info in _process.Threads[i].PendingSignals.Where(info => ProcessCalls.SignalNumber(info) == Signal.SIGTRAP))
            {
                Memory.Write(data, info);
                StubAgent.CallAlone(_threads[i], instruction, SyscallNumber.rt_tgsigqueueinfo, (ulong)_process.Pid, (ulong)_threads[i].Tid, Signal.SIGTRAP, data.Value)
                    .OrThrow("queue SIGTRAP to a thread");
            }
        }

        StubAgent.CallAlone(leader, instruction, SyscallNumber.munmap, _area.Start.Value, _area.Length).OrThrow("unmap the stub");
        Fault.Hit(FaultPoint.Rebuild);
        for (int i = 0; i < _threads.Count; i++)
            StubAgent.ParkWith(_threads[i], registers[i], _process.Threads[i].ExtendedState, _process.Threads[i].SignalMask);
    }

    private RemoteAddress FindSyscallInstruction()
    {
        IEnumerable<MappingImage> code = _process.Mappings
            .Where(mapping => (mapping.Protection & Mman.PROT_EXEC) != 0 && mapping.Kind != ImageMappingKind.Vsyscall)
            .OrderBy(mapping => mapping.Kind != ImageMappingKind.Vdso);
        var buffer = new byte[64 * 1024];
        foreach (MappingImage mapping in code)
        {
            for (ulong at = mapping.Start; at < mapping.End; at += (ulong)buffer.Length)
            {
                SyscallResult read = Memory.TryReadForced(new RemoteAddress(at), buffer.AsSpan(0, (int)Math.Min((ulong)buffer.Length, mapping.End - at)));
                if (read.IsError)
                    break;
                int found = buffer.AsSpan(0, (int)read.Value).IndexOf((ReadOnlySpan<byte>)[0x0F, 0x05]);
                if (found >= 0)
                    return new RemoteAddress(at + (ulong)found);
            }
        }

        throw CallList.Failure(_process.Pid, "leaving it", "its memory holds no syscall instruction by which the stub could be unmapped");
    }
}

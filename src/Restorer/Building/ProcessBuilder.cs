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
using Snap.Restorer.Memory;
using ImageMappingKind = Snap.Image.MappingKind;

namespace Snap.Restorer.Building;

/// <summary>Makes one process of a plan, from a stub to threads that stand still where the snapshot left them.</summary>
/// <remarks>
/// Everything happens on one thread of ours, the tracer. Until the end the process dies with it: by PR_SET_PDEATHSIG up to the seizing of the root, by
/// PTRACE_O_EXITKILL from then on. The order is that of KERNEL's facts: docs/design.md, "Restore".
/// </remarks>
internal sealed class ProcessBuilder
{
    private readonly RestorePlan _plan;
    private readonly ProcessImage _process;
    private readonly InheritedDescriptors _inherited;
    private readonly AddressLayout _layout;
    private readonly List<Tracee> _threads = [];
    private readonly CallList _calls;
    private readonly MemoryCalls _memory;
    private readonly ProcessCalls _ofProcess;
    private bool _hasContents;

    public ProcessBuilder(RestorePlan plan, ProcessImage process, Stub stub, InheritedMemory? memory, InheritedDescriptors inherited)
    {
        (_plan, _process, Stub, _inherited) = (plan, process, stub, inherited);
        _layout = new AddressLayout(process.Mappings);
        _layout.Take(stub.Area);
        _threads.Add(stub.Thread);
        _calls = NewCalls(stub.Thread);
        _memory = new MemoryCalls(plan, process, memory, inherited, _calls);
        _ofProcess = new ProcessCalls(plan, process, inherited, _calls);
    }

    /// <summary>What it is made from.</summary>
    public Stub Stub { get; }

    /// <summary>Its threads, the leader first.</summary>
    public IReadOnlyList<Tracee> Threads => _threads;

    private RemoteMemory Memory => Stub.Memory;

    /// <summary>Maps its memory and writes its contents, once: children may be forked from it then that have much in common with it.</summary>
    public void FillMemory(IPageSource pages)
    {
        if (_hasContents)
            return;
        _ofProcess.RaiseLimits(TaskFiles.OfProcess(_process.Pid).ReadLimits() ?? throw Stub.Ended());
        _memory.Clear(Stub.Area);
        _memory.Map(_layout);
        _memory.DropSurplus(pages);
        _calls.Flush();
        Fault.Hit(FaultPoint.Rebuild);
        Fill(pages);
        Fault.Hit(FaultPoint.Rebuild);
        _hasContents = true;
    }

    public void Build(IPageSource pages)
    {
        (CallList calls, MemoryCalls memory, ProcessCalls process) = (_calls, _memory, _ofProcess);
        CheckExtendedState(_threads[0]);
        var descriptors = new DescriptorCalls(_plan, _process, _inherited, calls);
        ProcStatus status = TaskFiles.OfProcess(_process.Pid).ReadStatus() ?? throw Stub.Ended();

        FillMemory(pages);
        memory.Finish();
        process.AddBeforeThreads();
        descriptors.Add();
        process.CloneThreads();
        calls.Flush();
        Fault.Hit(FaultPoint.Rebuild);
        foreach (ThreadImage thread in _process.Threads.Skip(1))
            _threads.Add(Tracee.AdoptAttached(thread.Tid));
        foreach (Tracee thread in _threads.Skip(1))
            Stub.Park(thread);

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
    }

    /// <summary>Lets all threads go.</summary>
    public void Release()
    {
        foreach (Tracee thread in _threads)
            thread.TryDetach();
    }

    /// <summary>Takes charge of threads that were started in a batch which then failed.</summary>
    public void AdoptRest()
    {
        foreach (int tid in TaskFiles.OfProcess(_process.Pid).ListThreads() ?? [])
        {
            if (_threads.All(thread => thread.Tid != tid))
                _threads.Add(Tracee.AdoptAttached(tid));
        }
    }

    private CallList NewCalls(Tracee thread) => Stub.NewCalls(thread);

    private void CheckExtendedState(Tracee leader)
    {
        Span<byte> state = stackalloc byte[16 * 1024];
        int length = leader.GetExtendedState(state);
        if (_process.Threads.FirstOrDefault(thread => thread.ExtendedState.Length != length) is { } differing)
            throw new SnapException(ErrorCatalogue.ProcessorDiffers, $"cannot restore pid {_process.Pid}: this processor's registers are laid out otherwise",
                why: $"XSTATE has {length} bytes here, and had {differing.ExtendedState.Length}");
    }

    private void Fill(IPageSource pages)
    {
        var filler = new PageFiller(pages, Memory);
        _memory.AddPages(pages, filler);
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
        RemoteAddress data = Stub.Area.Start + StubAgent.CodeLength;
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

        StubAgent.CallAlone(leader, instruction, SyscallNumber.munmap, Stub.Area.Start.Value, Stub.Area.Length).OrThrow("unmap the stub");
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

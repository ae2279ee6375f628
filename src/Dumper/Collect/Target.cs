using System.Globalization;
using Snap.Dumper.Preflight;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Injection;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;
using MapsKind = Snap.Kernel.Procfs.MappingKind;

namespace Snap.Dumper.Collect;

/// <summary>One process that is captured, with all that is kept open of it from one checkpoint to the next.</summary>
/// <remarks>
/// Opening it stops and changes nothing. Freezing, entering and thawing must all come from one thread of ours. Exec replaces the target's
/// memory behind our back: <see cref="Enter"/> notices, opens <see cref="Memory"/> anew, and counts it in <see cref="Execs"/>.
/// </remarks>
public sealed class Target : IDisposable
{
    private readonly List<MapsEntry> _entries = [];
    private readonly List<int> _tids = [];

    private Target(ProcessHandle handle, ulong startTime, RemoteMemory memory, FrozenProcess freezer, MapsReader maps)
    {
        (Handle, StartTime, Memory, Freezer, Maps) = (handle, startTime, memory, freezer, maps);
        Statuses = new ThreadStatuses(handle.Pid);
    }

    /// <summary>Its pid.</summary>
    public int Pid => Handle.Pid;

    /// <summary>When it started, in clock ticks since boot.</summary>
    public ulong StartTime { get; }

    /// <summary>Names it for sure, whoever gets its pid later.</summary>
    public ProcessHandle Handle { get; }

    /// <summary>Its memory; another object after the target called exec.</summary>
    public RemoteMemory Memory { get; private set; }

    /// <summary>Stops its threads.</summary>
    public FrozenProcess Freezer { get; }

    /// <summary>Reads its mappings.</summary>
    public MapsReader Maps { get; }

    /// <summary>Our mapping inside it; null until <see cref="Enter"/> first ran.</summary>
    public InjectionAgent? Agent { get; private set; }

    /// <summary>What of the target's memory is ours, to be left out of snapshots; null if nothing.</summary>
    public RemoteRange? AgentRange => Agent?.Range;

    /// <summary>How often the target was found to have called exec: nothing that was known of its memory holds any more.</summary>
    public int Execs { get; private set; }

    /// <summary>Signals that a signalfd of the target takes, as far as is known: none of them may be used to stop by.</summary>
    internal ulong SignalsInDescriptors { get; set; }

    /// <summary>Statuses of the threads in this freeze; valid once <see cref="Enter"/> ran.</summary>
    internal ThreadStatuses Statuses { get; }

    /// <summary>The signal that batches of this freeze stop by.</summary>
    internal int StopSignalNumber { get; private set; }

    /// <summary>Opens what capturing needs of a process.</summary>
    /// <returns>Null if there is no such process, or if it has ended.</returns>
    /// <exception cref="SnapException">S0202: no right to trace it.</exception>
    public static Target? OpenOrGone(int pid)
    {
        ProcessHandle? handle = null;
        RemoteMemory? memory = null;
        FrozenProcess? freezer = null;
        MapsReader? maps = null;
        try
        {
            handle = ProcessHandle.OpenOrGone(pid);
            if (handle is null || TaskFiles.OfProcess(pid).ReadStat() is not { IsDead: false } stat)
                return null;
            memory = RemoteMemory.Open(pid);
            freezer = FrozenProcess.PrepareOrGone(pid);
            maps = MapsReader.OpenOrGone(pid);
            // The pid may have become another's between these steps; not if the process behind the handle still lives.
            if (freezer is null || maps is null || handle.HasExited)
                return null;
            var target = new Target(handle, stat.StartTime, memory, freezer, maps);
            (handle, memory, freezer, maps) = (null, null, null, null);
            return target;
        }
        catch (KernelException gone) when (gone.Errno is Errno.ESRCH or Errno.ENOENT)
        {
            return null;
        }
        catch (KernelException denied) when (denied.Errno is Errno.EACCES or Errno.EPERM)
        {
            throw IdentityRules.NotPermitted(pid, denied.Errno);
        }
        finally
        {
            maps?.Dispose();
            freezer?.Dispose();
            memory?.Dispose();
            handle?.Dispose();
        }
    }

    /// <summary>Borrows a thread of the frozen target to make system calls; on first use our mapping is installed, or found again.</summary>
    /// <exception cref="SnapException">
    /// S0302: it ended. S0209: a thread still runs code that a killed tracer left. S0402, S0401, S0208, S0412: no call can be made safely.
    /// In each case the target was left as it was.
    /// </exception>
    public InjectionSession Enter()
    {
        Invariant.Holds(Freezer.IsFrozen);
        try
        {
            if (Memory.IsStale)
                ReplaceMemory();
            ReadStatuses();
            Tracee thread = ChooseThread();
            StopSignalNumber = StopSignal.Choose(Statuses.First.CaughtSignals, Statuses.Pending, SignalsInDescriptors);
            if (StopSignalNumber == 0)
                throw Refusal.Of(ErrorCatalogue.InjectionImpossible, Pid, "it handles every signal that calls could stop by",
                    why: "SIGURG, SIGWINCH, SIGCHLD and SIGCONT are each handled, pending or read by a signalfd",
                    toDo: "let the program leave one of these signals at its default");
            if (Agent is not { IsIntact: true })
                Agent = FindAgent() ?? Install(thread);
            return Agent.Enter(Pid, thread, StopSignalNumber);
        }
        catch (KernelException gone) when (gone.Errno == Errno.ESRCH)
        {
            throw Refusal.Ended(Pid, gone);
        }
        catch (InjectionException failed)
        {
            throw failed.TargetGone ? Refusal.Ended(Pid, failed)
                : Refusal.Of(ErrorCatalogue.InjectionImpossible, Pid, "no system call can be made inside it", why: failed.Message, inner: failed);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Freezer.Dispose();
        Maps.Dispose();
        Memory.Dispose();
        Statuses.Dispose();
        Handle.Dispose();
    }

    private void ReplaceMemory()
    {
        Memory.Dispose();
        Memory = RemoteMemory.Open(Pid);
        Agent = null;
        Execs++;
    }

    private void ReadStatuses()
    {
        _tids.Clear();
        foreach (Tracee thread in Freezer.Threads)
            _tids.Add(thread.Tid);
        if (!Statuses.TryRead(_tids))
            throw Refusal.Ended(Pid);
        if (Statuses.FilteredThread != 0)
            throw IdentityRules.Seccomp(Pid, Statuses.FilteredThread, Statuses.FilteredMode);
    }

    // Any thread will do, as long as the code that is put under it is read as 64-bit code, and job control doesn't hold it.
    private Tracee ChooseThread()
    {
        Tracee thread = Freezer.Threads[0];
        if (thread.GroupStopSignal != 0)
            throw IdentityRules.Stopped(Pid);
        if (thread.GetRegisters().cs != IdentityRules.LongModeCodeSegment)
            throw IdentityRules.NotX64(Pid, string.Create(CultureInfo.InvariantCulture, $"thread {thread.Tid} runs 32-bit code"));
        return thread;
    }

    private InjectionAgent Install(Tracee thread)
    {
        MapsEntry? vdso = _entries.Cast<MapsEntry?>().FirstOrDefault(entry => entry!.Value.Kind == MapsKind.Vdso);
        CodeSlack? slack = vdso is { } found ? InjectionAgent.FindSlack(Memory, RangeOf(found)) : null;
        if (slack is not { } free)
            throw new InjectionException("the target has no [vdso] with room for the first call");
        RefuseIfRunning(new RemoteRange(free.Start, (ulong)free.Length));
        return InjectionAgent.Install(Pid, thread, Memory, free, StopSignalNumber);
    }

    // Left by a tracer that ended. Known by its code alone, since not every kernel can name anonymous memory, and since a name can be forged.
    private InjectionAgent? FindAgent()
    {
        if (!Maps.TryRead(_entries) || _entries.Count == 0)
            throw Refusal.Ended(Pid);
        foreach (MapsEntry entry in _entries)
        {
            if (entry.Access != (MapsAccess.Read | MapsAccess.Execute) || entry.Kind is not (MapsKind.Anonymous or MapsKind.NamedAnonymous))
                continue;
            // The kernel may have merged our page with a neighbour's, so its place is the end of the mapping, or its start. Before its first batch
            // the data area is like the page of code.
            foreach (ulong start in (ReadOnlySpan<ulong>)[entry.End - InjectionAgent.CodeLength, entry.Start, entry.End - InjectionAgent.Length])
            {
                var agent = new InjectionAgent(Memory, new RemoteAddress(start));
                if (start < entry.Start || !HasDataArea(agent.Range) || !agent.IsIntact)
                    continue;
                RefuseIfRunning(agent.Range);
                return agent;
            }
        }

        return null;
    }

    private bool HasDataArea(RemoteRange agent)
    {
        foreach (MapsEntry entry in _entries)
        {
            if (entry.Start > agent.Start.Value + InjectionAgent.CodeLength || entry.End < agent.End.Value)
                continue;
            MapsAccess expected = MapsAccess.Read | (entry.Start <= agent.Start.Value ? MapsAccess.Execute : MapsAccess.Write);
            return entry.Access == expected && entry.Kind is MapsKind.Anonymous or MapsKind.NamedAnonymous;
        }

        return false;
    }

    // A tracer that was killed in the middle of a call leaves a thread that heals itself by that very code and its slots. Until it has, hands off.
    private void RefuseIfRunning(RemoteRange code)
    {
        foreach (Tracee thread in Freezer.Threads)
        {
            if (thread.GetRegisters().rip - code.Start.Value < code.Length)
                throw new SnapException(ErrorCatalogue.TargetIsRecovering,
                    string.Create(CultureInfo.InvariantCulture, $"process {Pid} is still recovering from a tracer that was killed"),
                    where: string.Create(CultureInfo.InvariantCulture, $"thread {thread.Tid}"), toDo: "try again in a moment");
        }
    }

    private static RemoteRange RangeOf(in MapsEntry entry) => new(new RemoteAddress(entry.Start), entry.Length);
}

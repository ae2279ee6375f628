using System.Globalization;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Injection;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Restorer.Memory;

namespace Snap.Restorer.Building;

/// <summary>Makes all processes of a plan: first as stubs, each the child of its parent's, with their sessions and groups; then one after the other as what they were.</summary>
/// <remarks>
/// All happens on one thread of ours, the tracer of all. Stubs come before anything else of any process, because what a process inherits from its parent
/// (descriptors, limits, credentials) must still be ours. Zombies end before their parents get their signal actions, so that no parent hears of it again.
/// </remarks>
internal sealed class TreeBuilder : IDisposable
{
    private readonly RestorePlan _plan;
    private readonly TreeShape _shape;
    private readonly InheritedDescriptors _inherited;
    private readonly Dictionary<int, ProcessImage> _processes;
    private readonly Dictionary<int, ZombieImage> _zombies;
    private readonly List<Stub> _stubs = [];
    private readonly List<ProcessBuilder> _builders = [];
    private readonly Dictionary<int, InheritedMemory> _memory = [];
    private readonly IPageSource _pages;
    private readonly HashSet<Stub> _ended = [];

    public TreeBuilder(RestorePlan plan, IPageSource pages)
    {
        (_plan, _pages) = (plan, pages);
        _shape = plan.Shape;
        _inherited = new InheritedDescriptors(plan);
        _processes = plan.Image.Processes.ToDictionary(process => process.Pid);
        _zombies = plan.Image.Zombies.ToDictionary(zombie => zombie.Pid);
    }

    /// <summary>The root, once started.</summary>
    public ChildProcess Child => _stubs[0].Child!;

    /// <summary>The root's threads, the leader first.</summary>
    public IReadOnlyList<Kernel.Tracing.Tracee> RootThreads => BuilderOf(_stubs[0])!.Threads;

    /// <summary>Makes all processes, and stops them where the snapshot left them.</summary>
    public void Build()
    {
        ProcessImage root = _plan.Image.Processes[0];
        RemoteRange room = new AddressLayout(_plan.Image.Processes.SelectMany(process => process.Mappings)).TryTake(Stub.Length)
            ?? throw CallList.Failure(root.Pid, "starting it", "the address spaces have no hole of 260 KiB in common");
        _stubs.Add(Stub.Start(root.Pid, room, _inherited, root));
        AddNotices();
        foreach (TreeStep step in _shape.Steps)
            Take(step);
        EndZombies();
        foreach (ProcessImage process in _plan.Image.Processes)
            Builder(process).Build(_pages);

        // Our ends of their pipes must not outlive the building: they would never see their end.
        _inherited.Dispose();
    }

    /// <summary>Lets all threads of all processes go; the root last, which then finds all of its tree alive.</summary>
    public void Release()
    {
        foreach (ProcessImage process in _plan.Image.Processes.Reverse())
            Builder(process).Release();
    }

    /// <summary>Ends all processes, and waits until they are gone, or zombies of a parent that is gone.</summary>
    public void Kill()
    {
        if (_stubs.Count == 0)
            return;
        Stub[] living = [.. _stubs.Where(stub => !_ended.Contains(stub))];
        foreach (Stub stub in living)
        {
            BuilderOf(stub)?.AdoptRest();
            using ProcessHandle? handle = ProcessHandle.OpenOrGone(stub.Pid);
            handle?.TrySignal(Signal.SIGKILL);
        }

        foreach (Stub stub in Enumerable.Reverse(living))
        {
            // The leader can be reaped only after the others, which are ours to reap because we trace them.
            foreach (Kernel.Tracing.Tracee thread in Enumerable.Reverse(BuilderOf(stub)?.Threads ?? [stub.Thread]))
                Stub.WaitForEnd(thread);
        }
    }

    public void Dispose()
    {
        _inherited.Dispose();
        _stubs.ForEach(stub => stub.Dispose());
    }

    private Stub StubOf(int pid) => _stubs.First(stub => stub.Pid == pid);

    private ProcessBuilder? BuilderOf(Stub stub) => _builders.Find(builder => builder.Stub == stub);

    private void Take(TreeStep step)
    {
        switch (step.Kind)
        {
            case TreeStepKind.Create:
                Create(step.Pid, step.Other);
                break;
            case TreeStepKind.StartSession:
                StubOf(step.Pid).Call("starting a session", SyscallNumber.setsid);
                break;
            case TreeStepKind.StartGroup:
                StubOf(step.Pid).Call("starting a process group", SyscallNumber.setpgid);
                break;
            default:
                StubOf(step.Pid).Call($"joining process group {step.Other}", SyscallNumber.setpgid, 0, (ulong)step.Other);
                break;
        }

        Fault.Hit(FaultPoint.Rebuild);
    }

    private ProcessBuilder Builder(ProcessImage process)
    {
        Stub stub = StubOf(process.Pid);
        if (BuilderOf(stub) is { } known)
            return known;
        var builder = new ProcessBuilder(_plan, process, stub, _memory.GetValueOrDefault(process.Pid), _inherited);
        _builders.Add(builder);
        return builder;
    }

    // Pages that parent and child have in common are one page again if the child is forked when the parent's contents are there.
    private void ShareMemory(ProcessImage process, ProcessImage parent)
    {
        var memory = new InheritedMemory(parent, process);
        if (memory.IsWorthless(_pages))
            return;
        Builder(parent).FillMemory(_pages);
        _memory.Add(process.Pid, memory);
    }

    private void Create(int pid, int parent)
    {
        int exitSignal = _processes.TryGetValue(pid, out ProcessImage? process) ? process.ExitSignal
            : _zombies.TryGetValue(pid, out ZombieImage? zombie) ? zombie.ExitSignal : Signal.SIGCHLD;
        if (process is not null && _processes.TryGetValue(parent, out ProcessImage? creator))
            ShareMemory(process, creator);
        Stub stub = StubOf(parent).Fork(pid, exitSignal);
        _stubs.Add(stub);
        if (process is not null)
            stub.PlaceDescriptors(_inherited, process);
    }

    private void EndZombies()
    {
        foreach (ZombieImage zombie in _plan.Image.Zombies)
        {
            Stub stub = StubOf(zombie.Pid);
            ZombieCalls.End(stub, zombie, _plan.Notices);
            _ended.Add(stub);
            Fault.Hit(FaultPoint.Rebuild);
        }

        foreach (TreeNode standIn in _shape.StandIns)
        {
            Stub stub = StubOf(standIn.Pid);
            StubAgent.BeginAlone(stub.Thread, stub.Agent.SyscallInstruction, SyscallNumber.exit_group);
            Stub.WaitForEnd(stub.Thread);
            _ended.Add(stub);
            StubOf(standIn.ParentPid).Call("reaping a stand-in", SyscallNumber.wait4, (ulong)standIn.Pid, 0, unchecked((ulong)Sched.__WALL));
        }

        ForgetEnds();
    }

    // A traced process has signals put aside for it that it would ignore. Setting an action that ignores them takes them away again (POSIX 3.3.1.3).
    private void ForgetEnds()
    {
        foreach (IGrouping<int, int> ended in _plan.Image.Zombies.Select(zombie => (zombie.ParentPid, zombie.ExitSignal))
            .Concat(_shape.StandIns.Select(standIn => (standIn.ParentPid, ExitSignal: Signal.SIGCHLD))).Where(pair => pair.ExitSignal != 0)
            .GroupBy(pair => pair.ParentPid, pair => pair.ExitSignal))
        {
            Stub parent = StubOf(ended.Key);
            foreach (int signal in ended.Distinct())
            {
                CallList calls = parent.NewCalls(parent.Thread);
                calls.Room(2, 96);
                const ulong ignore = 1;
                calls.Call("ignoring a signal", SyscallNumber.rt_sigaction, (ulong)signal, calls.Put((ignore, 0UL, 0UL, 0UL)), 0, 8);
                calls.Call("setting the action of a signal", SyscallNumber.rt_sigaction, (ulong)signal, calls.Put((0UL, 0UL, 0UL, 0UL)), 0, 8);
                calls.Flush();
            }
        }
    }

    private void AddNotices()
    {
        ProcStat ours = TaskFiles.Self.ReadStat()!;
        foreach (IGrouping<int, TreeNode> session in _shape.SessionGuests.Where(node => node.Session != ours.Session).GroupBy(node => node.Session))
            _plan.Notices.Add(Guests(session, "session", session.Key, ours.Session));
        foreach (IGrouping<int, TreeNode> group in _shape.GroupGuests.Where(node => node.ProcessGroup != ours.ProcessGroup).GroupBy(node => node.ProcessGroup))
            _plan.Notices.Add(Guests(group, "process group", group.Key, ours.ProcessGroup));
    }

    private static string Guests(IEnumerable<TreeNode> nodes, string what, int id, int ours)
    {
        int[] pids = [.. nodes.Select(node => node.Pid)];
        return pids.Length == 1
            ? string.Create(CultureInfo.InvariantCulture, $"pid {pids[0]} was in {what} {id}, led from outside the snapshot: it joins ours, {ours}")
            : string.Create(CultureInfo.InvariantCulture, $"pids {string.Join(", ", pids)} were in {what} {id}, led from outside the snapshot: they join ours, {ours}");
    }
}

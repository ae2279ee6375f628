using System.Globalization;
using Snap.Dumper.Preflight;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Injection;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;

namespace Snap.Dumper.Collect;

/// <summary>Takes everything of a process that a snapshot holds but the contents of its memory.</summary>
/// <remarks>
/// In three steps, so that the pause stays short: what is slow and may be read while the target runs (<see cref="ReadLive"/>), what must be of
/// one moment (<see cref="CollectFrozen"/>), and the making of the image after the thaw (<see cref="Build"/>). One object a process, kept
/// between checkpoints with its buffers. The processes of a tree take these steps together, by their <see cref="TreeCollector"/>.
/// </remarks>
public sealed partial class StateCollector : IDisposable
{
    private readonly Target _target;
    private readonly LiveView _live;
    private readonly DescriptorTable _descriptors;
    private readonly List<SnapException> _findings = [];
    private readonly List<MapsEntry> _mappings = [];
    private readonly SharedObjectList _sharedObjects, _liveSharedObjects;
    private readonly List<ThreadRecord> _threads = [];
    private readonly ThreadRecord[] _laneRecords = new ThreadRecord[ThreadLanes.Count];
    private readonly ProcessRecord _process = new();
    private readonly List<TimerRecord> _timers = [];
    private readonly TreeCollector _tree;
    private readonly bool _ownsTree;
    private readonly ProcText _text = new();
    private readonly InterruptedCalls _interrupted;
    private int _threadCount;
    private byte[][] _pending = [];
    private ProcStat _stat = null!;
    private byte[] _auxiliaryVector = [];
    private string _executable = "", _workingDirectory = "";
    private RemoteBatch? _batch;
    private ThreadLanes? _lanes;
    private InjectionAgent? _batchAgent;
    private IReadOnlyList<string> _commandLine = [];
    private uint _coredumpFilter;
    private int _oomScoreAdjust;

    /// <summary>Prepares to collect <paramref name="target"/> by itself.</summary>
    public StateCollector(Target target)
        : this(target, new TreeCollector()) => _ownsTree = true;

    /// <summary>Prepares to collect <paramref name="target"/> as one of a tree.</summary>
    internal StateCollector(Target target, TreeCollector tree)
    {
        (_target, _tree) = (target, tree);
        _live = new LiveView(target.Pid);
        _descriptors = new DescriptorTable(target.Pid);
        _interrupted = new InterruptedCalls(target.Pid);
        _sharedObjects = new SharedObjectList(target.Pid);
        _liveSharedObjects = new SharedObjectList(target.Pid);
    }

    /// <summary>Reasons why it can't be captured: of the last look, live or frozen; empty if there are none.</summary>
    public IReadOnlyList<SnapException> Findings => _findings;

    /// <summary>Mappings as they were frozen, ascending; ours is left out.</summary>
    public IReadOnlyList<MapsEntry> FrozenMappings => _mappings;

    /// <summary>Shared memory as it was frozen, mapped or only open, each object once.</summary>
    public IReadOnlyList<SharedObject> SharedObjects => _sharedObjects.Objects;

    /// <summary>A file was open with O_DIRECT at the freeze: pages that were copied live may have changed by DMA since.</summary>
    public bool HasDirectIo { get; private set; }

    /// <summary>A file is open with O_DIRECT now; the target runs.</summary>
    public bool SeesDirectIoLive() => _live.Descriptors.SeesDirectIo();

    /// <summary>Shared memory as it is now, by <paramref name="mappings"/> and the descriptors of the last look; the target runs, and some may be gone.</summary>
    public IReadOnlyList<SharedObject> ListSharedLive(IReadOnlyList<MapsEntry> mappings)
    {
        _liveSharedObjects.List(_live.Descriptors, mappings);
        return _liveSharedObjects.Objects;
    }

    /// <summary>It has children, or traces somebody, by the last <see cref="CollectFrozen"/>.</summary>
    internal bool HasChildren => _process.HasChildren;

    /// <summary>The process.</summary>
    internal Target Target => _target;

    /// <summary>What live looks have learned.</summary>
    internal LiveView Live => _live;

    /// <summary>Its descriptors as they were frozen.</summary>
    internal DescriptorTable Descriptors => _descriptors;

    /// <summary>Reads what is slow while the target runs, and looks for reasons not to stop it at all: see <see cref="Findings"/>.</summary>
    public void ReadLive() => _tree.ReadLive([this]);

    /// <summary>Takes the state of the frozen target; afterwards <see cref="Findings"/> says whether it can be used.</summary>
    /// <param name="session">Of <see cref="Target.Enter"/>, in this freeze.</param>
    /// <exception cref="SnapException">S0302: the target ended.</exception>
    public void CollectFrozen(InjectionSession session) => _tree.CollectFrozen([this], [session]);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsTree)
            _tree.Dispose();
        _descriptors.Dispose();
        _live.Dispose();
    }

    /// <summary>The part of <see cref="ReadLive"/> that looks at this process alone.</summary>
    internal void ReadLiveFiles()
    {
        _interrupted.LookLive();
        _target.SignalsInDescriptors = _live.Descriptors.SignalsTaken;
        TaskFiles process = TaskFiles.OfProcess(_target.Pid);
        _commandLine = [.. (process.ReadCommandLine() ?? []).Select(ImageText.Of)];
        _coredumpFilter = process.ReadCoreDumpFilter() ?? 0;
        _oomScoreAdjust = process.ReadOomScoreAdjustment() ?? 0;
    }

    /// <summary>Begins a look: what the last one found is forgotten.</summary>
    internal void ClearFindings() => _findings.Clear();

    /// <summary>Adds a reason why it can't be captured.</summary>
    internal void AddFinding(SnapException finding) => _findings.Add(finding);

    /// <summary>Frozen, step 1: what /proc shows.</summary>
    internal void ReadFrozen()
    {
        Invariant.Holds(_target.Freezer.IsFrozen);
        ReadProcFiles();
        ReadMappings();
        if (!_descriptors.TryRead())
            throw Refusal.Ended(_target.Pid);
        HasDirectIo = _descriptors.HasDirectIo;
    }

    /// <summary>Frozen, step 2, when it is known what its descriptors are: what only its threads tell.</summary>
    internal void TakeFrozen(InjectionSession session)
    {
        TakeThreads(session);
        _sharedObjects.List(_descriptors, _mappings);
        CheckThreads();
    }

    private void ReadProcFiles()
    {
        int pid = _target.Pid;
        if (!_text.TryRead($"/proc/{pid}/stat", out ReadOnlySpan<byte> stat))
            throw Refusal.Ended(pid);
        _stat = ProcStat.Parse(stat);
        if (!_text.TryRead($"/proc/{pid}/auxv", out ReadOnlySpan<byte> auxiliary))
            throw Refusal.Ended(pid);
        if (!auxiliary.SequenceEqual(_auxiliaryVector))
            _auxiliaryVector = auxiliary.ToArray();
        _executable = ProcfsFile.ReadLinkOrGone($"/proc/{pid}/exe") ?? throw Refusal.Ended(pid);
        _workingDirectory = ProcfsFile.ReadLinkOrGone($"/proc/{pid}/cwd") ?? throw Refusal.Ended(pid);
        IdentityRules.CheckLinks(pid, _findings);
        _timers.Clear();
        if (SystemFiles.HasTimers && _text.TryRead($"/proc/{pid}/timers", out ReadOnlySpan<byte> timers))
        {
            foreach (PosixTimer timer in PosixTimerParser.Parse(timers))
                _timers.Add(new TimerRecord(timer));
        }
    }

    private void ReadMappings()
    {
        if (!_target.Maps.TryRead(_mappings) || _mappings.Count == 0)
            throw Refusal.Ended(_target.Pid);
        if (_target.AgentRange is { } agent)
            LeaveOut(_mappings, agent.Start.Value, agent.End.Value);
        new MappingRules(_target.Pid, _live.Flags, _live.Reach, _findings).Apply(_mappings);
    }

    // Our pages may have been merged into one mapping with a neighbour's, which stays.
    internal static void LeaveOut(List<MapsEntry> mappings, ulong start, ulong end)
    {
        for (int i = 0; i < mappings.Count && mappings[i].Start < end; i++)
        {
            MapsEntry entry = mappings[i];
            if (entry.End <= start)
                continue;
            mappings.RemoveAt(i--);
            if (entry.Start < start)
                mappings.Insert(++i, entry with { End = start });
            if (entry.End > end)
                mappings.Insert(++i, entry with { Start = end });
        }
    }

    private void TakeThreads(InjectionSession session)
    {
        PrepareBatches();
        IReadOnlyList<Tracee> threads = _target.Freezer.Threads;
        while (_threads.Count < threads.Count)
            _threads.Add(new ThreadRecord());
        _threadCount = threads.Count;
        _pending = threads[0].PeekSignals(shared: true);
        session.PrepareData();
        try
        {
            for (int i = 0; i < threads.Count; i++)
            {
                if (threads[i].Tid == session.Thread.Tid)
                {
                    _threads[i].TakeStopped(threads[i], session.Registers, session.SignalMask, session.Memory, _interrupted);
                }
                else
                {
                    int lane = _lanes!.Add(threads[i]);
                    _laneRecords[lane] = _threads[i];
                    _threads[i].TakeStopped(threads[i], _lanes.Registers(lane), _lanes.SignalMask(lane), session.Memory, _interrupted);
                    // Code put under a thread in 32-bit mode would be read as other code.
                    if (!_threads[i].IsCompatible)
                        _threads[i].AddCalls(_lanes.Batch(lane));
                }

                bool isLast = i == threads.Count - 1;
                if (_lanes!.Used < ThreadLanes.Count && !isLast)
                    continue;
                _lanes.Begin(_target.Pid, _target.StopSignalNumber);
                // Meanwhile the entered thread makes the calls of the process.
                if (isLast)
                    TakeProcess(session);
                EndLanes();
            }
        }
        finally
        {
            _lanes!.Clear();
        }
    }

    private void EndLanes()
    {
        int used = _lanes!.Used;
        _lanes.End();
        for (int lane = 0; lane < used; lane++)
        {
            if (!_laneRecords[lane].IsCompatible)
                _laneRecords[lane].TakeResults(_lanes.Batch(lane));
        }
    }

    // The process's own calls, the entered thread's, and then as many about timers and descriptions at a time as a batch holds.
    private void TakeProcess(InjectionSession session)
    {
        RemoteBatch batch = _batch!;
        ThreadRecord entered = _threads.First(thread => thread.Tid == session.Thread.Tid);
        batch.Clear();
        _process.AddCalls(batch);
        entered.AddCalls(batch);
        bool isFirst = true;
        List<OpenDescription> descriptions = _descriptors.Descriptions;
        var about = new List<DescriptionCalls>();
        for (int timer = 0, description = 0; isFirst || timer < _timers.Count || description < descriptions.Count;)
        {
            int firstTimer = timer;
            about.Clear();
            for (; timer < _timers.Count && HasRoom(batch); timer++)
                _timers[timer].AddCall(batch);
            for (; description < descriptions.Count && HasRoom(batch); description++)
            {
                // A descriptor of O_PATH has no owner, and answers EBADF. What is shared is asked for once.
                if (descriptions[description].Original is not null || descriptions[description].Class == DescriptionClass.Refused || (descriptions[description].First.Info.Flags & Fcntl.O_PATH) != 0)
                    continue;
                about.Add(new DescriptionCalls(descriptions[description]));
                about[^1].AddCalls(batch);
            }

            session.Run(batch);
            if (isFirst)
            {
                _process.TakeResults(batch);
                entered.TakeResults(batch);
            }

            for (; firstTimer < timer; firstTimer++)
                _timers[firstTimer].TakeResult(batch);
            about.ForEach(calls => calls.TakeResults(batch));
            isFirst = false;
            batch.Clear();
        }
    }

    private static bool HasRoom(RemoteBatch batch) =>
        batch.Count + DescriptionCalls.MaxCalls <= batch.MaxCalls && batch.DataLeft >= DescriptionCalls.MaxData + 16;

    private void PrepareBatches()
    {
        if (_batchAgent == _target.Agent)
            return;
        _batchAgent = _target.Agent;
        _batch = _target.Agent!.NewBatch();
        _lanes = _target.Agent.NewLanes();
    }

    private void CheckThreads()
    {
        int pid = _target.Pid;
        if (_target.Freezer.EndedThreads.Contains(pid))
            _findings.Add(Refusal.Of(ErrorCatalogue.TargetIsZombie, pid, "its main thread has ended while others run on", toDo: "a main thread that has ended can't be made again"));
        if (_target.Statuses.DifferingThread is not 0 and var differing)
            AddThread(differing, "has other credentials than the first", "it changed them by a bare system call");
        for (int i = 0; i < _threadCount; i++)
        {
            ThreadRecord thread = _threads[i];
            if (thread.IsGroupStopped && i == 0)
                _findings.Add(IdentityRules.Stopped(pid));
            if (thread.IsCompatible)
                _findings.Add(IdentityRules.NotX64(pid, string.Create(CultureInfo.InvariantCulture, $"thread {thread.Tid} runs 32-bit code")));
            if (thread.HasUserDispatch)
                AddThread(thread.Tid, "has its system calls turned into signals", "prctl(PR_SET_SYSCALL_USER_DISPATCH)");
            if (thread.MemoryPolicy != 0)
                AddThread(thread.Tid, "has a memory policy", "set_mempolicy(2), or numactl");
            if (thread.Policy == Sched.SCHED_DEADLINE)
                _findings.Add(IdentityRules.Deadline(pid, thread.Tid));
            IdentityRules.CheckThreadSharing(pid, thread.Tid, _findings);
        }

        void AddThread(int tid, string what, string why) => _findings.Add(Refusal.Of(ErrorCatalogue.ThreadUnsupported, pid,
            string.Create(CultureInfo.InvariantCulture, $"thread {tid} {what}"), $"/proc/{pid}/task/{tid}", why, "this version can't bring that back"));
    }
}

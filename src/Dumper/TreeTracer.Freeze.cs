using System.Globalization;
using System.Runtime;
using Snap.Dumper.Collect;
using Snap.Dumper.Pages;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Injection;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Kernel.Syscalls;
using Snap.Kernel.Tracing;
using Snap.Kernel.Tracking;

namespace Snap.Dumper;

/// <content>Stopping, letting go, arming the tracker, and what is said when that fails.</content>
public sealed partial class TreeTracer
{
    private const int MaxFreezeAttempts = 3;
    private const int StuckPollMs = 5;
    private const long PauseHeap = 1 << 20;
    private const long MaxPauseHeap = 16 << 20;

    // A thread that gets no processor can't stop: where others crowd it out, it has twice the time at the next try. Between tries all threads run.
    private void Freeze(TimeSpan deadline, TimeSpan limit, TreeMember? only = null)
    {
        for (int attempt = 1; ; attempt++)
        {
            (FreezeResult result, TreeMember member) = TryFreeze(deadline, limit, only);
            if (result.Outcome == FreezeOutcome.Frozen)
                return;
            if (result.Outcome != FreezeOutcome.DeadlinePassed || attempt == MaxFreezeAttempts)
                throw Failed(member, result, deadline);
            for (long start = Environment.TickCount64; Environment.TickCount64 - start < deadline.TotalMilliseconds; Thread.Sleep(StuckPollMs))
                ReleaseStuckThreads();
            // Those that had not stopped even then are ours still: nobody can seize them before they are released.
            if (StuckMember is { } stuck)
                throw Failed(stuck, result, deadline);
            deadline *= 2;
        }
    }

    private (FreezeResult Result, TreeMember Member) TryFreeze(TimeSpan deadline, TimeSpan limit, TreeMember? only)
    {
        ForbidCollections();
        _watchdog?.Arm(limit);
        using Deadline end = Deadline.After(deadline);
        // Each thread that is woken to stop or to go on would otherwise take the processor from us. Where we may not, it only takes longer.
        OwnProcess.TrySetRealTime(true);
        bool isFrozen = false;
        try
        {
            (FreezeResult Result, TreeMember Member) tried = only is not null ? (only.Target.Freezer.Freeze(end), only) : FreezeTree(end);
            isFrozen = tried.Result.Outcome == FreezeOutcome.Frozen;
            return tried;
        }
        finally
        {
            if (!isFrozen)
                ThawMembers();
        }
    }

    private SnapException Failed(TreeMember member, FreezeResult result, TimeSpan deadline) => result.Outcome switch
    {
        FreezeOutcome.Gone => Ended(member.Target.Pid),
        FreezeOutcome.DeadlinePassed => TimedOut(member, result.Tid, deadline),
        _ => Refused(member, result),
    };

    private void Thaw() => _paused += ThawMembers();

    // The first that was stopped is let go last: its time is the pause of all.
    private TimeSpan ThawMembers()
    {
        TimeSpan longest = TimeSpan.Zero;
        for (int i = _members.Count - 1; i >= 0; i--)
        {
            if (!_members[i].Target.Freezer.IsFrozen)
                continue;
            TimeSpan stood = _members[i].Target.Freezer.Thaw();
            longest = stood > longest ? stood : longest;
        }

        OwnProcess.TrySetRealTime(false);
        _watchdog?.Disarm();
        AllowCollections();
        return longest;
    }

    // Little is allocated in a pause, but even little may be what fills the heap. What the pause may need is set aside before, with a collection if there is no room.
    // Only in a process of our own: it concerns all threads.
    private void ForbidCollections()
    {
        if (_watchdog is not null && GCSettings.LatencyMode != GCLatencyMode.NoGCRegion)
            GC.TryStartNoGCRegion(Math.Min(PauseHeap * _members.Count, MaxPauseHeap));
    }

    private void AllowCollections()
    {
        // A pause that needed more has left the region already.
        if (_watchdog is not null && GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
            GC.EndNoGCRegion();
    }

    /// <summary>Makes the trackers of those that have none, each in a short freeze of its own where that needs a call inside the process.</summary>
    private void Arm(CheckpointRequest request)
    {
        foreach (TreeMember member in _members.Where(member => member.Pages is null).ToList())
        {
            if (Tracker != TrackerKind.WriteProtect)
            {
                member.Track(_spaces.Reserve(member.Target.Pid), new PagemapTracker(member.Target.Pid, Tracker));
                continue;
            }

            try
            {
                Freeze(request.FreezeDeadline, request.PauseLimit, member);
                try
                {
                    using InjectionSession session = member.Target.Enter();
                    MakeTracker(member, session);
                }
                finally
                {
                    Thaw();
                }
            }
            catch (Exception ended) when (IsEnd(ended) && member != _root)
            {
                Leave(member);
            }
        }
    }

    /// <summary>Has a process tracked that stands still, and of which nothing is known or, since it called exec, holds any more.</summary>
    private void MakeTracker(TreeMember member, InjectionSession session)
    {
        int pid = member.Target.Pid;
        SpaceId space = _spaces.Reserve(pid);
        if (Tracker != TrackerKind.WriteProtect)
        {
            member.Track(space, new PagemapTracker(pid, Tracker));
            return;
        }

        SyscallResult made = TryMakeUserfaultfd(member.Target, session, out Userfaultfd? userfaultfd);
        if (userfaultfd is not null)
        {
            member.Track(space, new WriteProtectTracker(pid, userfaultfd));
            return;
        }

        TrackerKind next = TrackerLadder.After(TrackerKind.WriteProtect);
        if (_request.Tracker == TrackerKind.WriteProtect)
            throw new SnapException(ErrorCatalogue.CheckpointFailed, $"cannot track process {pid} by write-protect",
                why: $"userfaultfd inside it: {made.Errno}", toDo: "use another tracker, or raise the target's limit of open files");
        _notices.Add(member == _root
            ? $"write-protect tracking isn't possible here (userfaultfd inside the target: {made.Errno}); tracking by {next} instead"
            : $"write-protect tracking isn't possible in process {pid} (userfaultfd inside it: {made.Errno}); tracking it by {next} instead");
        if (member == _root)
            Tracker = next;
        member.Track(space, new PagemapTracker(pid, next));
    }

    // The descriptor lives in the target for the length of two batches; should we die between them, the code behind the stop closes it.
    private static SyscallResult TryMakeUserfaultfd(Target target, InjectionSession session, out Userfaultfd? userfaultfd)
    {
        userfaultfd = null;
        RemoteBatch batch = target.Agent!.NewBatch();
        int made = batch.Add(SyscallNumber.userfaultfd, Userfaultfd.CreationFlags);
        batch.CloseIfAbandoned(made);
        session.Run(batch);
        SyscallResult number = batch.Result(made);
        if (number.IsError)
            return number;
        SyscallResult taken = target.Handle.TryTakeDescriptor((int)number.Value, out FileDescriptor? descriptor);
        Fault.Hit(FaultPoint.Inject);
        batch.ReplaceByClose();
        session.Run(batch);
        return taken.IsError ? taken : Userfaultfd.TryAdopt(descriptor!, out userfaultfd);
    }

    private static void ThrowIfAny(IReadOnlyList<SnapException> findings, TimeSpan? paused = null)
    {
        if (findings.Count == 0)
            return;
        SnapException first = findings[0];
        string? where = paused is not { } pause ? first.Where
            : string.Create(CultureInfo.InvariantCulture, $"{first.Where}{(first.Where is null ? "" : "; ")}paused {pause.TotalMicroseconds:F0} µs, nothing changed");
        throw new SnapException(first.Kind, first.What, where, first.Why, first.ToDo, first) { Others = [.. first.Others, .. findings.Skip(1)] };
    }

    private static SnapException Ended(int pid, Exception? inner = null) => new(ErrorCatalogue.TargetEnded,
        string.Create(CultureInfo.InvariantCulture, $"process {pid} has ended"), toDo: "its earlier snapshots can be restored: `snap log` lists them", inner: inner);

    private static SnapException TimedOut(TreeMember member, int tid, TimeSpan deadline)
    {
        int pid = member.Target.Pid;
        string place = TaskFiles.OfThread(pid, tid).ReadWaitChannel() is { Length: > 0 } channel ? channel : "unknown";
        return new SnapException(ErrorCatalogue.FreezeTimedOut, string.Create(CultureInfo.InvariantCulture, $"cannot stop process {pid} in time"),
            where: string.Create(CultureInfo.InvariantCulture, $"thread {tid}, in the kernel at {place}"),
            why: string.Create(CultureInfo.InvariantCulture, $"it didn't stop within {deadline.TotalMilliseconds:F0} ms, at the last of {MaxFreezeAttempts} tries (a slow disk, a vfork child, or no processor time); all threads go on"),
            toDo: "see what the thread waits for, and try again");
    }

    private static SnapException Refused(TreeMember member, FreezeResult result)
    {
        int pid = member.Target.Pid;
        int tracer = TaskFiles.OfProcess(pid).ReadStatus()?.TracerPid ?? 0;
        return new SnapException(ErrorCatalogue.TargetTraced, string.Create(CultureInfo.InvariantCulture, $"cannot stop process {pid}"),
            where: string.Create(CultureInfo.InvariantCulture, $"thread {result.Tid}"),
            why: tracer != 0 ? string.Create(CultureInfo.InvariantCulture, $"process {tracer} traces it already") : $"the kernel refused to trace it: {result.Errno}",
            toDo: tracer != 0 ? "end that debugger or tracer first" : "run snap as the target's user or as root");
    }

    private SnapException TooMuch(ulong needed, ulong length) => new(ErrorCatalogue.TooMuchToCopy,
        string.Create(CultureInfo.InvariantCulture, $"cannot snapshot process {Pid}: it writes faster than it can be copied"),
        why: string.Create(CultureInfo.InvariantCulture, $"{needed >> 20} MiB were left to copy in the pause, and there is room for {length >> 20} MiB"),
        toDo: "free memory, or take the snapshot when it writes less");
}

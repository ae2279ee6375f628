using System.Globalization;
using System.Runtime;
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

    // A thread that gets no processor can't stop: where others crowd it out, it has twice the time at the next try. Between tries all threads run.
    private void Freeze(TimeSpan deadline, TimeSpan limit)
    {
        for (int attempt = 1; ; attempt++)
        {
            FreezeResult result = TryFreeze(deadline, limit);
            if (result.Outcome == FreezeOutcome.Frozen)
                return;
            if (result.Outcome != FreezeOutcome.DeadlinePassed || attempt == MaxFreezeAttempts)
                throw Failed(result, deadline);
            for (long start = Environment.TickCount64; Environment.TickCount64 - start < deadline.TotalMilliseconds; Thread.Sleep(StuckPollMs))
                _target.Freezer.ReleaseStuck();
            // Those that had not stopped even then are ours still: nobody can seize them before they are released.
            if (HasStuckThreads)
                throw Failed(result, deadline);
            deadline *= 2;
        }
    }

    private FreezeResult TryFreeze(TimeSpan deadline, TimeSpan limit)
    {
        ForbidCollections();
        _watchdog?.Arm(limit);
        using Deadline end = Deadline.After(deadline);
        // Each thread that is woken to stop or to go on would otherwise take the processor from us. Where we may not, it only takes longer.
        OwnProcess.TrySetRealTime(true);
        FreezeResult result = _target.Freezer.Freeze(end);
        if (result.Outcome == FreezeOutcome.Frozen)
            return result;
        OwnProcess.TrySetRealTime(false);
        _watchdog?.Disarm();
        AllowCollections();
        return result;
    }

    private SnapException Failed(FreezeResult result, TimeSpan deadline) => result.Outcome switch
    {
        FreezeOutcome.Gone => Ended(_target.Pid),
        FreezeOutcome.DeadlinePassed => TimedOut(result.Tid, deadline),
        _ => Refused(result),
    };

    private void Thaw()
    {
        _paused += _target.Freezer.Thaw();
        OwnProcess.TrySetRealTime(false);
        _watchdog?.Disarm();
        AllowCollections();
    }

    // Little is allocated in a pause, but even little may be what fills the heap. What the pause may need is set aside before, with a collection if there is no room.
    // Only in a process of our own: it concerns all threads.
    private void ForbidCollections()
    {
        if (_watchdog is not null && GCSettings.LatencyMode != GCLatencyMode.NoGCRegion)
            GC.TryStartNoGCRegion(PauseHeap);
    }

    private void AllowCollections()
    {
        // A pause that needed more has left the region already.
        if (_watchdog is not null && GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
            GC.EndNoGCRegion();
    }

    /// <summary>Makes the tracker, in a short freeze of its own where that needs a call inside the target.</summary>
    private void Arm(CheckpointRequest request)
    {
        IDirtyTracker tracker = Tracker == TrackerKind.WriteProtect ? MakeWriteProtect(request) : new PagemapTracker(_target.Pid, Tracker);
        _armedAtExec = _target.Execs;
        _pages = new ProcessPages(_spaces.AddressSpace(_target.Pid), _target.Memory, tracker);
    }

    private void Disarm()
    {
        _pages?.Dispose();
        _pages = null;
        _shared.Forget();
    }

    private IDirtyTracker MakeWriteProtect(CheckpointRequest request)
    {
        Freeze(request.FreezeDeadline, request.PauseLimit);
        try
        {
            using InjectionSession session = _target.Enter();
            SyscallResult made = TryMakeUserfaultfd(session, out Userfaultfd? userfaultfd);
            if (userfaultfd is not null)
                return new WriteProtectTracker(_target.Pid, userfaultfd);
            TrackerKind next = TrackerLadder.After(TrackerKind.WriteProtect);
            if (_request.Tracker == TrackerKind.WriteProtect)
                throw new SnapException(ErrorCatalogue.CheckpointFailed, $"cannot track process {_target.Pid} by write-protect",
                    why: $"userfaultfd inside it: {made.Errno}", toDo: "use another tracker, or raise the target's limit of open files");
            _notices.Add($"write-protect tracking isn't possible here (userfaultfd inside the target: {made.Errno}); tracking by {next} instead");
            Tracker = next;
            return new PagemapTracker(_target.Pid, next);
        }
        finally
        {
            Thaw();
        }
    }

    // The descriptor lives in the target for the length of two batches; should we die between them, the code behind the stop closes it.
    private SyscallResult TryMakeUserfaultfd(InjectionSession session, out Userfaultfd? userfaultfd)
    {
        userfaultfd = null;
        RemoteBatch batch = _target.Agent!.NewBatch();
        int made = batch.Add(SyscallNumber.userfaultfd, Userfaultfd.CreationFlags);
        batch.CloseIfAbandoned(made);
        session.Run(batch);
        SyscallResult number = batch.Result(made);
        if (number.IsError)
            return number;
        SyscallResult taken = _target.Handle.TryTakeDescriptor((int)number.Value, out FileDescriptor? descriptor);
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

    private SnapException TimedOut(int tid, TimeSpan deadline)
    {
        string place = TaskFiles.OfThread(_target.Pid, tid).ReadWaitChannel() is { Length: > 0 } channel ? channel : "unknown";
        return new SnapException(ErrorCatalogue.FreezeTimedOut, string.Create(CultureInfo.InvariantCulture, $"cannot stop process {_target.Pid} in time"),
            where: string.Create(CultureInfo.InvariantCulture, $"thread {tid}, in the kernel at {place}"),
            why: string.Create(CultureInfo.InvariantCulture, $"it didn't stop within {deadline.TotalMilliseconds:F0} ms, at the last of {MaxFreezeAttempts} tries (a slow disk, a vfork child, or no processor time); all threads go on"),
            toDo: "see what the thread waits for, and try again");
    }

    private SnapException Refused(FreezeResult result)
    {
        int tracer = TaskFiles.OfProcess(_target.Pid).ReadStatus()?.TracerPid ?? 0;
        return new SnapException(ErrorCatalogue.TargetTraced, string.Create(CultureInfo.InvariantCulture, $"cannot stop process {_target.Pid}"),
            where: string.Create(CultureInfo.InvariantCulture, $"thread {result.Tid}"),
            why: tracer != 0 ? string.Create(CultureInfo.InvariantCulture, $"process {tracer} traces it already") : $"the kernel refused to trace it: {result.Errno}",
            toDo: tracer != 0 ? "end that debugger or tracer first" : "run snap as the target's user or as root");
    }

    private SnapException TooMuch(ulong needed, ulong length) => new(ErrorCatalogue.TooMuchToCopy,
        string.Create(CultureInfo.InvariantCulture, $"cannot snapshot process {_target.Pid}: it writes faster than it can be copied"),
        why: string.Create(CultureInfo.InvariantCulture, $"{needed >> 20} MiB were left to copy in the pause, and there is room for {length >> 20} MiB"),
        toDo: "free memory, or take the snapshot when it writes less");
}

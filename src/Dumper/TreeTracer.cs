// Invariants.
// Must: whatever happens between a freeze and its thaw, the thaw comes; exceptions pass through Freezer.Thaw.
// Must: a page that a scan reported is owed until its interval is durable (ProcessPages); an interval that broke off gives its pages back.
// Must: nothing waits for the engine, logs, or looks at files by name while the target stands still.
using System.Globalization;
using System.Runtime.InteropServices;
using Snap.Dumper.Collect;
using Snap.Dumper.Host;
using Snap.Dumper.Pages;
using Snap.Dumper.Preflight;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Injection;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;

namespace Snap.Dumper;

/// <summary>Takes checkpoints of a process and all its descendants: live passes, freeze, collect, count, copy, thaw.</summary>
/// <remarks>Every call from one thread of ours: the one that traces. design.md, "A checkpoint, step by step".</remarks>
public sealed partial class TreeTracer : ITreeTracer
{
    /// <summary>Freezes that a checkpoint may take when there is too much to copy, before the pause area is grown in the pause.</summary>
    private const int MaxFreezes = 4;

    private const ulong SmallestPauseArea = 4UL << 20;

    /// <summary>Bytes a second that a pause copies, and touches memory for, at least.</summary>
    private const double SlowestCopy = 100e6;

    /// <summary>A process that is found only in the freeze is copied in it if it has no more than this.</summary>
    private const ulong NewProcessArea = 16UL << 20;

    /// <summary>Processes may end at any time; so often a checkpoint that one of them broke is begun again.</summary>
    private const int MaxTries = 5;

    private readonly AttachRequest _request;
    private readonly TreeMember _root;
    private readonly List<TreeMember> _members = [];
    private readonly TreeCollector _tree;
    private readonly TreeListing _listing = new();
    private readonly SharedContents _shared = new();
    private readonly SpaceTable _spaces;
    private readonly KillTimer? _watchdog;
    private readonly List<MapsEntry> _mappings = [];
    private readonly List<SharedObject> _liveShared = [];
    private readonly List<SpaceRun> _runs = [];
    private readonly List<string> _notices = [];
    private readonly ExcludedMemory _excluded = new();
    private readonly List<SnapException> _findings = [];
    private readonly List<SpaceId> _leftSpaces = [];
    private readonly List<ZombieImage> _zombies = [];
    private TimeSpan _paused;
    private readonly PauseGoal _goal = new();
    private ulong _lastPauseBytes;

    private TreeTracer(AttachRequest request, Target target, bool hasWatchdog)
    {
        _request = request;
        _tree = new TreeCollector();
        _members.Add(_root = new TreeMember(target, _tree));
        _spaces = new SpaceTable(request.KnownSpaces);
        _watchdog = hasWatchdog ? new KillTimer() : null;
        Tracker = TrackerLadder.FirstOf(request.Tracker);
    }

    /// <inheritdoc/>
    public TrackerKind Tracker { get; private set; }

    /// <inheritdoc/>
    public bool TargetGone => _root.Target.Handle.HasExited;

    private int Pid => _root.Target.Pid;

    /// <summary>Looks whether a process and its descendants can be captured, and opens what that needs. Nothing is stopped or changed.</summary>
    /// <param name="request">What to attach to.</param>
    /// <param name="hasWatchdog">Kill this process of ours if a pause outlives its limit; only for a process that does nothing else.</param>
    /// <exception cref="SnapException">It can't be captured; all reasons at once.</exception>
    public static TreeTracer Attach(AttachRequest request, bool hasWatchdog = false)
    {
        ThrowIfAny(PreflightCheck.Run(request.Pid));
        Fault.Hit(FaultPoint.Attach);
        // Each process of a tree takes some.
        OwnProcess.RaiseDescriptorLimit();
        Target target = Target.OpenOrGone(request.Pid) ?? throw Ended(request.Pid);
        return new TreeTracer(request, target, hasWatchdog);
    }

    /// <inheritdoc/>
    public CheckpointResult Take(CheckpointRequest request, IPageSink sink)
    {
        _notices.Clear();
        _leftSpaces.Clear();
        _paused = TimeSpan.Zero;
        try
        {
            for (int attempt = 1; attempt <= MaxTries; attempt++)
            {
                if (TryTake(request, sink) is { } result)
                    return result;
            }
        }
        catch (KernelException failed)
        {
            throw TargetGone || failed.Errno == Errno.ESRCH ? Ended(Pid, failed)
                : new SnapException(ErrorCatalogue.CheckpointFailed, $"cannot snapshot process {Pid}", why: failed.Message, inner: failed);
        }
        catch (InjectionException failed) when (failed.TargetGone)
        {
            throw Ended(Pid, failed);
        }

        throw new SnapException(ErrorCatalogue.CheckpointFailed, $"cannot snapshot process {Pid}",
            why: "processes of its tree end, or call exec, again and again while they are captured", toDo: "try again when it has settled");
    }

    /// <inheritdoc/>
    public bool HasStuckThreads => StuckMember is not null;

    /// <inheritdoc/>
    public void ReleaseStuckThreads()
    {
        foreach (TreeMember member in _members)
            member.Target.Freezer.ReleaseStuck();
    }

    /// <inheritdoc/>
    public void Committed(ulong interval)
    {
        foreach (TreeMember member in _members)
            member.Pages?.Committed(interval);
        _shared.Committed(interval);
        _spaces.Committed(interval);
    }

    /// <inheritdoc/>
    public void Failed(ulong interval)
    {
        foreach (TreeMember member in _members)
            member.Pages?.Failed(interval);
        _shared.Failed(interval);
        _spaces.Failed(interval);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watchdog?.Dispose();
        foreach (TreeMember member in _members)
            member.Dispose();
        _shared.Dispose();
        _tree.Dispose();
        _listing.Dispose();
    }

    private TreeMember? StuckMember => _members.Find(member => member.Target.Freezer.StuckThread != 0);

    /// <returns>Null if a process ended or called exec at the wrong moment: to be tried again.</returns>
    private CheckpointResult? TryTake(CheckpointRequest request, IPageSink sink)
    {
        if (TargetGone)
            throw Ended(Pid);
        // While it hangs no freeze can succeed; and once it stops, it must not have to wait for the end of live passes.
        ReleaseStuckThreads();
        if (StuckMember is { } stuck)
            throw TimedOut(stuck, stuck.Target.Freezer.StuckThread, request.FreezeDeadline);
        _spaces.Begin();
        _excluded.Begin(request.Exclude);
        LookLive();
        var progress = new Progress();
        SnapshotImage image;
        try
        {
            Arm(request);
            foreach (TreeMember member in _members)
                member.Pages!.Begin(sink);
            _shared.Begin();
            Copy(request, sink, progress);
            if (_tree.HasLeaked(Pid))
            {
                Abandon();
                return null;
            }

            image = _tree.Build([.. _members.Select(member => member.Collector)], [.. _zombies], _spaces, Tracker);
        }
        catch (Exception ended) when (IsEnd(ended) && !TargetGone)
        {
            Abandon();
            return null;
        }
        catch
        {
            Abandon();
            throw;
        }

        bool isFull = _shared.IsFull && _members.TrueForAll(member => member.Pages!.IsFull);
        TellExcluded();
        if (_notices.Count > 0)
            image = image with { Notices = [.. image.Notices, .. _notices] };
        Publish(sink);
        ulong dirty = 0;
        foreach (TreeMember member in _members)
        {
            dirty += member.Pages!.DirtyPages;
            member.Pages.End(request.Interval);
        }

        _shared.End(request.Interval);
        _spaces.End(request.Interval);
        return new CheckpointResult
        {
            Image = image,
            IsFull = isFull,
            Pause = _paused,
            Time = progress.Time,
            PagesDirty = dirty,
            PagesCopied = progress.LivePages + progress.PausePages,
            PagesCopiedInPause = progress.PausePages,
            LivePasses = progress.LivePasses,
            Freezes = progress.Freezes,
            Notices = [.. _notices],
        };
    }

    /// <summary>True for what is thrown when a process ended, or called exec, while it was looked at.</summary>
    private static bool IsEnd(Exception failed) => failed is KernelException { Errno: Errno.ESRCH or Errno.ENOENT } or InjectionException { TargetGone: true }
        || (failed is SnapException told && told.Kind == ErrorCatalogue.TargetEnded);

    private void Abandon()
    {
        foreach (TreeMember member in _members)
        {
            member.Pages?.Abandon();
            // The next interval announces it at its beginning; once more, later, would drop the pages that were given in between.
            member.NeedsAnnouncement = false;
            // Whoever lives and has other memory than before called exec.
            if (!member.Target.Handle.HasExited && member.Target.Memory.IsStale)
                member.Disarm();
        }

        _shared.Abandon();
    }

    /// <summary>Live passes and freezes, until a freeze could copy all that was left.</summary>
    private void Copy(CheckpointRequest request, IPageSink sink, Progress progress)
    {
        _goal.Set(request.PauseGoal);
        bool hasLivePasses = _members.TrueForAll(member => member.HasLivePasses);
        ulong wanted = hasLivePasses ? Math.Max(SmallestPauseArea, _lastPauseBytes * 2) : ResidentBytes();
        if (_members.Count > 1)
            wanted += NewProcessArea;
        for (progress.Freezes = 1; ; progress.Freezes++)
        {
            ThrowIfReaderGone(sink);
            // Before the live passes: it may wait for the engine, and all that is written meanwhile would be left to the pause.
            (ulong offset, ulong length) = sink.AcquirePause(wanted);
            SharedLivePass(sink, progress);
            foreach (TreeMember member in _members.Where(member => member is { HasLivePasses: true, Pages: not null }))
                LivePasses(member, sink, progress);
            bool isLast = !hasLivePasses || progress.Freezes == MaxFreezes;
            ulong needed = 0;
            bool fits = false;
            _goal.Begin(_paused);
            ThrowIfReaderGone(sink);
            Freeze(request.FreezeDeadline, request.PauseLimit);
            try
            {
                progress.Time = DateTimeOffset.UtcNow;
                CollectFrozen();
                if (_findings.Count == 0)
                {
                    (needed, ulong ofNew) = CountFrozen();
                    _goal.Counted();
                    _watchdog?.Arm(request.PauseLimit + TimeSpan.FromSeconds(needed / SlowestCopy));
                    if (isLast && (needed > length || (hasLivePasses && ofNew > NewProcessArea)))
                        _notices.Add(string.Create(CultureInfo.InvariantCulture, $"the pause was longer than usual: {needed >> 20} MiB had to be copied in it"));
                    // Growing costs a page fault a page, in the pause; better than never finishing.
                    if (isLast && needed > length)
                        length = sink.AcquirePause(needed).Length;
                    fits = needed <= length && (isLast || (ofNew <= NewProcessArea && !_goal.IsBetterLater(needed)));
                    if (fits)
                    {
                        progress.PausePages = CopyFrozen(sink, offset) >> PageRange.PageShift;
                        _goal.Copied(needed);
                        CheckAllThere();
                    }
                    else
                        _members.ForEach(member => member.Pages!.Postpone());
                }
            }
            finally
            {
                Thaw();
            }

            ThrowIfAny(_findings, _paused);
            if (fits)
            {
                if (_goal.NoticeIfMissed(_paused) is { } missed)
                    _notices.Add(missed);
                _lastPauseBytes = needed;
                return;
            }

            if (isLast)
                throw TooMuch(needed, length);
            PublishFrozen(sink);
            wanted = Math.Min(needed + (needed / 4), 256UL << 20);
        }
    }

    // Nobody stands still for a checkpoint that nobody can store.
    private static void ThrowIfReaderGone(IPageSink sink)
    {
        if (sink.IsReaderGone)
            throw new SnapException(ErrorCatalogue.EngineLost, "the engine ended while its tracer was at work");
    }

    /// <summary>Bytes left to copy, and how many of them are of processes that were found only in this freeze.</summary>
    private (ulong All, ulong OfNew) CountFrozen()
    {
        // A device may write for one process into memory that another shows, too.
        bool hasDirectIo = _members.Exists(member => member.Collector.HasDirectIo);
        ulong pages = 0, ofNew = 0;
        _excluded.StartCount();
        foreach (TreeMember member in _members)
        {
            ulong left = member.Pages!.ScanFrozen(_excluded.Without(member.Collector.FrozenMappings), hasDirectIo);
            pages += left;
            ofNew += member.NeedsAnnouncement ? left : 0;
        }

        pages += _shared.ScanFrozen(_excluded.Without(_tree.SharedObjects), _spaces);
        return (pages << PageRange.PageShift, ofNew << PageRange.PageShift);
    }

    private ulong CopyFrozen(IPageSink sink, ulong offset)
    {
        _runs.Clear();
        ulong used = 0;
        foreach (TreeMember member in _members)
            used += member.Pages!.CopyFrozen(sink.Memory, offset + used, _runs);
        return used + _shared.CopyFrozen(sink.Memory, offset + used, _runs);
    }

    // The memory of a process that was killed in the pause looks like one without pages. A thread that answers its tracer has no kill pending, nor had one before.
    private void CheckAllThere()
    {
        foreach (TreeMember member in _members)
            member.Target.Freezer.Threads[0].GetRegisters();
    }

    private void PublishFrozen(IPageSink sink)
    {
        foreach (TreeMember member in _members)
        {
            if (member.NeedsAnnouncement)
                member.Pages!.Announce(sink);
            member.NeedsAnnouncement = false;
            member.Pages!.PublishFrozen(sink);
        }
    }

    private void Publish(IPageSink sink)
    {
        PublishFrozen(sink);
        _shared.PublishFrozen(sink);
        sink.PublishPause(CollectionsMarshal.AsSpan(_runs));
        foreach (TreeMember member in _members)
            member.Pages!.PublishUnreadable(sink);
        // Of those that left in this interval live passes may have given pages.
        foreach (SpaceId removed in _spaces.Removed.Union(_leftSpaces.Where(space => !_spaces.IsUsed(space))))
            sink.PublishRemoved(removed);
    }

    // Another pass pays as long as it leaves clearly less for the freeze than the one before.
    private void LivePasses(TreeMember member, IPageSink sink, Progress progress)
    {
        const ulong fewPages = 64;
        ulong before = ulong.MaxValue;
        ProcessPages pages = member.Pages!;
        try
        {
            for (int pass = 1; pass <= 8; pass++)
            {
                if (!TryReadMappingsLive(member))
                    return;
                ulong copied = pages.LivePass(_excluded.Without(_mappings), sink, member.Collector.SeesDirectIoLive());
                progress.LivePages += copied;
                progress.LivePasses++;
                // The first pass over new memory leaves markers to be set in its holes: a second one takes that out of the pause.
                bool isFirstEver = pages.IsFull && pass == 1;
                if (!isFirstEver && (copied <= fewPages || copied > before / 4 * 3))
                    return;
                before = copied;
            }
        }
        catch (KernelException stale) when (stale.Errno == Errno.ESRCH)
        {
            // It ended, which the freeze will notice; or it called exec, and what the freeze finds is all new.
            if (TargetGone)
                throw Ended(Pid, stale);
            member.Disarm();
        }
    }

    // Only what the freeze would have much to copy of; nothing is known yet of what came into being since the last.
    private void SharedLivePass(IPageSink sink, Progress progress)
    {
        if (!_members.Exists(member => member.Pages is { IsFull: true }) && progress.Freezes == 1 && !_shared.WantsLivePass)
            return;
        _liveShared.Clear();
        foreach (TreeMember member in _members)
        {
            if (TryReadMappingsLive(member))
                SharedObjectList.Merge(_liveShared, member.Collector.ListSharedLive(_mappings));
        }

        progress.LivePages += _shared.LivePass(_excluded.Without(_liveShared), _spaces, sink);
    }

    private bool TryReadMappingsLive(TreeMember member)
    {
        if (!member.Target.Maps.TryRead(_mappings))
            return member != _root ? false : throw Ended(Pid);
        if (member.Target.AgentRange is { } agent)
            StateCollector.LeaveOut(_mappings, agent.Start.Value, agent.End.Value);
        return true;
    }

    private ulong ResidentBytes()
    {
        ulong bytes = 0;
        foreach (TreeMember member in _members)
            bytes += TaskFiles.OfProcess(member.Target.Pid).ReadStatus()?.ResidentBytes ?? 0;
        return bytes == 0 ? throw Ended(Pid) : (bytes / 8 * 9) + SmallestPauseArea;
    }

    private void TellExcluded()
    {
        if (!_excluded.IsWanted)
            return;
        string objects = _excluded.Objects == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" and {_excluded.Objects} objects of shared memory");
        _notices.Add(string.Create(CultureInfo.InvariantCulture, $"--exclude left out {_excluded.Bytes >> 10} KiB{objects}: empty after a restore"));
        foreach (MemoryPattern pattern in _excluded.Unused)
            _notices.Add($"--exclude {pattern} names nothing that is mapped");
    }

    /// <summary>What one checkpoint has done so far.</summary>
    private sealed class Progress
    {
        public DateTimeOffset Time { get; set; }

        public ulong LivePages { get; set; }

        public ulong PausePages { get; set; }

        public int LivePasses { get; set; }

        public int Freezes { get; set; }
    }
}

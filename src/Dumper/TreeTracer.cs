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

/// <summary>Takes checkpoints of one process: live passes, freeze, collect, count, copy, thaw.</summary>
/// <remarks>Every call from one thread of ours: the one that traces. design.md, "A checkpoint, step by step".</remarks>
public sealed partial class TreeTracer : ITreeTracer
{
    /// <summary>Freezes that a checkpoint may take when there is too much to copy, before the pause area is grown in the pause.</summary>
    private const int MaxFreezes = 4;

    private const ulong SmallestPauseArea = 4UL << 20;

    /// <summary>Bytes a second that a pause copies, and touches memory for, at least.</summary>
    private const double SlowestCopy = 100e6;

    private readonly AttachRequest _request;
    private readonly Target _target;
    private readonly StateCollector _collector;
    private readonly SharedContents _shared;
    private readonly SpaceTable _spaces;
    private readonly KillTimer? _watchdog;
    private readonly List<MapsEntry> _mappings = [];
    private readonly List<SpaceRun> _runs = [];
    private readonly List<string> _notices = [];
    private ProcessPages? _pages;
    private int _armedAtExec;
    private TimeSpan _paused;
    private ulong _lastPauseBytes;

    private TreeTracer(AttachRequest request, Target target, bool hasWatchdog)
    {
        _request = request;
        _target = target;
        _collector = new StateCollector(target);
        _shared = new SharedContents(target.Handle);
        _spaces = new SpaceTable(request.KnownSpaces);
        _watchdog = hasWatchdog ? new KillTimer() : null;
        Tracker = TrackerLadder.FirstOf(request.Tracker);
    }

    /// <inheritdoc/>
    public TrackerKind Tracker { get; private set; }

    /// <inheritdoc/>
    public bool TargetGone => _target.Handle.HasExited;

    /// <summary>Looks whether a process can be captured, and opens what that needs. Nothing is stopped or changed.</summary>
    /// <param name="request">What to attach to.</param>
    /// <param name="hasWatchdog">Kill this process of ours if a pause outlives its limit; only for a process that does nothing else.</param>
    /// <exception cref="SnapException">It can't be captured; all reasons at once.</exception>
    public static TreeTracer Attach(AttachRequest request, bool hasWatchdog = false)
    {
        ThrowIfAny(PreflightCheck.Run(request.Pid));
        Fault.Hit(FaultPoint.Attach);
        Target target = Target.OpenOrGone(request.Pid) ?? throw Ended(request.Pid);
        return new TreeTracer(request, target, hasWatchdog);
    }

    /// <inheritdoc/>
    public CheckpointResult Take(CheckpointRequest request, IPageSink sink)
    {
        _notices.Clear();
        _paused = TimeSpan.Zero;
        try
        {
            // Exec gives the target new memory: what was begun on the old one is begun again, once.
            return TryTake(request, sink) ?? TryTake(request, sink) ?? throw new SnapException(ErrorCatalogue.CheckpointFailed,
                $"cannot snapshot process {_target.Pid}", why: "it calls exec again and again", toDo: "try again when it has settled");
        }
        catch (KernelException failed)
        {
            throw TargetGone || failed.Errno == Errno.ESRCH ? Ended(_target.Pid, failed)
                : new SnapException(ErrorCatalogue.CheckpointFailed, $"cannot snapshot process {_target.Pid}", why: failed.Message, inner: failed);
        }
        catch (InjectionException failed) when (failed.TargetGone)
        {
            throw Ended(_target.Pid, failed);
        }
    }

    /// <inheritdoc/>
    public bool HasStuckThreads => _target.Freezer.StuckThread != 0;

    /// <inheritdoc/>
    public void ReleaseStuckThreads() => _target.Freezer.ReleaseStuck();

    /// <inheritdoc/>
    public void Committed(ulong interval)
    {
        _pages?.Committed(interval);
        _shared.Committed(interval);
    }

    /// <inheritdoc/>
    public void Failed(ulong interval)
    {
        _pages?.Failed(interval);
        _shared.Failed(interval);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watchdog?.Dispose();
        _pages?.Dispose();
        _shared.Dispose();
        _collector.Dispose();
        _target.Dispose();
    }

    private CheckpointResult? TryTake(CheckpointRequest request, IPageSink sink)
    {
        if (TargetGone)
            throw Ended(_target.Pid);
        // While it hangs no freeze can succeed; and once it stops, it must not have to wait for the end of live passes.
        _target.Freezer.ReleaseStuck();
        if (_target.Freezer.StuckThread is not 0 and var stuck)
            throw TimedOut(stuck, request.FreezeDeadline);
        _collector.ReadLive();
        ThrowIfAny(_collector.Findings);
        _spaces.Begin();
        if (_pages is null)
            Arm(request);
        ProcessPages pages = _pages!;
        pages.Begin(sink);
        _shared.Begin();
        var progress = new Progress();
        try
        {
            if (!TryCopy(request, sink, pages, progress))
            {
                Disarm();
                return null;
            }
        }
        catch (KernelException stale) when (stale.Errno == Errno.ESRCH && !TargetGone)
        {
            Disarm();
            return null;
        }
        catch
        {
            pages.Abandon();
            _shared.Abandon();
            throw;
        }

        bool isFull = pages.IsFull;
        SnapshotImage image = _collector.Build(_spaces, Tracker);
        if (_notices.Count > 0)
            image = image with { Notices = [.. image.Notices, .. _notices] };
        Publish(sink, pages);
        pages.End(request.Interval);
        _shared.End(request.Interval);
        _spaces.End();
        return new CheckpointResult
        {
            Image = image,
            IsFull = isFull,
            Pause = _paused,
            Time = progress.Time,
            PagesDirty = pages.DirtyPages,
            PagesCopied = progress.LivePages + progress.PausePages,
            PagesCopiedInPause = progress.PausePages,
            LivePasses = progress.LivePasses,
            Freezes = progress.Freezes,
            Notices = [.. _notices],
        };
    }

    /// <summary>Live passes and freezes, until a freeze could copy all that was left.</summary>
    /// <returns>False if the target called exec meanwhile.</returns>
    private bool TryCopy(CheckpointRequest request, IPageSink sink, ProcessPages pages, Progress progress)
    {
        bool hasLivePasses = Tracker == TrackerKind.WriteProtect;
        ulong wanted = hasLivePasses ? Math.Max(SmallestPauseArea, _lastPauseBytes * 2) : ResidentBytes();
        for (progress.Freezes = 1; ; progress.Freezes++)
        {
            SharedLivePass(sink, pages, progress);
            if (hasLivePasses)
                LivePasses(sink, pages, progress);
            (ulong offset, ulong length) = sink.AcquirePause(wanted);
            bool isLast = !hasLivePasses || progress.Freezes == MaxFreezes;
            ulong needed = 0;
            Freeze(request.FreezeDeadline, request.PauseLimit);
            try
            {
                progress.Time = DateTimeOffset.UtcNow;
                using (InjectionSession session = _target.Enter())
                {
                    if (_target.Execs != _armedAtExec)
                        return false;
                    _collector.CollectFrozen(session);
                }

                if (_collector.Findings.Count == 0)
                {
                    needed = CountFrozen(pages);
                    _watchdog?.Arm(request.PauseLimit + TimeSpan.FromSeconds(needed / SlowestCopy));
                    if (needed > length && isLast)
                    {
                        // Growing costs a page fault a page, in the pause; better than never finishing.
                        length = sink.AcquirePause(needed).Length;
                        _notices.Add(string.Create(CultureInfo.InvariantCulture, $"the pause was longer than usual: {needed >> 20} MiB had to be copied in it"));
                    }

                    if (needed <= length)
                        progress.PausePages = CopyFrozen(sink, pages, offset) >> PageRange.PageShift;
                    else
                        pages.Postpone();
                }
            }
            finally
            {
                Thaw();
            }

            ThrowIfAny(_collector.Findings, _paused);
            if (needed <= length)
            {
                _lastPauseBytes = needed;
                return true;
            }

            if (isLast)
                throw TooMuch(needed, length);
            pages.PublishFrozen(sink);
            wanted = Math.Min(needed + (needed / 4), 256UL << 20);
        }
    }

    private ulong CountFrozen(ProcessPages pages) =>
        (pages.ScanFrozen(_collector.FrozenMappings, _collector.HasDirectIo) + _shared.ScanFrozen(_collector.SharedObjects, _spaces)) << PageRange.PageShift;

    private ulong CopyFrozen(IPageSink sink, ProcessPages pages, ulong offset)
    {
        _runs.Clear();
        ulong used = pages.CopyFrozen(sink.Memory, offset, _runs);
        return used + _shared.CopyFrozen(sink.Memory, offset + used, _runs);
    }

    private void Publish(IPageSink sink, ProcessPages pages)
    {
        pages.PublishFrozen(sink);
        _shared.PublishFrozen(sink);
        sink.PublishPause(CollectionsMarshal.AsSpan(_runs));
        pages.PublishUnreadable(sink);
        foreach (SpaceId removed in _spaces.Removed)
            sink.PublishRemoved(removed);
    }

    // Another pass pays as long as it leaves clearly less for the freeze than the one before.
    private void LivePasses(IPageSink sink, ProcessPages pages, Progress progress)
    {
        const ulong fewPages = 64;
        ulong before = ulong.MaxValue;
        for (int pass = 1; pass <= 8; pass++)
        {
            ReadMappingsLive();
            ulong copied = pages.LivePass(_mappings, sink, _collector.SeesDirectIoLive());
            progress.LivePages += copied;
            progress.LivePasses++;
            // The first pass over new memory leaves markers to be set in its holes: a second one takes that out of the pause.
            bool isFirstEver = pages.IsFull && pass == 1;
            if (!isFirstEver && (copied <= fewPages || copied > before / 4 * 3))
                return;
            before = copied;
        }
    }

    // Only what the freeze would have much to copy of; nothing is known yet of what came into being since the last.
    private void SharedLivePass(IPageSink sink, ProcessPages pages, Progress progress)
    {
        if (!pages.IsFull && progress.Freezes == 1 && !_shared.WantsLivePass)
            return;
        ReadMappingsLive();
        progress.LivePages += _shared.LivePass(_collector.ListSharedLive(_mappings), _spaces, sink);
    }

    private void ReadMappingsLive()
    {
        if (!_target.Maps.TryRead(_mappings))
            throw Ended(_target.Pid);
        if (_target.AgentRange is { } agent)
            StateCollector.LeaveOut(_mappings, agent.Start.Value, agent.End.Value);
    }

    private ulong ResidentBytes()
    {
        ProcStatus? status = TaskFiles.OfProcess(_target.Pid).ReadStatus();
        return status is null ? throw Ended(_target.Pid) : status.ResidentBytes.GetValueOrDefault() / 8 * 9 + SmallestPauseArea;
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

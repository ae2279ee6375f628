using Snap.Dumper.Host;
using Snap.Dumper.Pages;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Store;

namespace Snap.Engine;

/// <content>One tracer process, and the thread that stores what it says.</content>
public sealed partial class TargetSession
{
    private sealed class Tracer : ITracerEvents
    {
        private readonly TargetSession _session;
        private readonly Thread _encoder;
        private readonly Dictionary<SpaceId, PageSet> _given = [];
        private HashSet<SpaceId> _parentSpaces;
        private SnapshotBuilder? _builder;
        private volatile bool _hasEnded;

        public Tracer(TargetSession session, TracerProcess process, IReadOnlyList<SpaceImage> parentSpaces)
        {
            (_session, Process) = (session, process);
            _parentSpaces = [.. parentSpaces.Select(space => space.Id)];
            _encoder = new Thread(Encode) { Name = "snap-encode", IsBackground = true };
            _encoder.Start();
        }

        public TracerProcess Process { get; }

        /// <summary>It says nothing any more.</summary>
        public bool HasEnded => _hasEnded;

        /// <summary>Lets it finish what was asked, detach and end; one that doesn't is killed, and the kernel lets the target go.</summary>
        public void End()
        {
            Process.Stop();
            if (!_encoder.Join(_stopPatience))
            {
                Process.Kill();
                _encoder.Join();
            }

            Process.Dispose();
        }

        public void Pages(SpaceId space, ulong firstPage, ReadOnlySpan<byte> bytes)
        {
            if (Current() is not { } builder)
                return;
            GivenPages(space).Add(new PageRange(firstPage, (ulong)bytes.Length >> PageRange.PageShift));
            try
            {
                _session._engine.Pass(FaultPoint.Encode);
                builder.Put(space, firstPage, bytes);
            }
            catch (Exception failed) when (failed is SnapException or KernelException)
            {
                GiveUp(failed);
            }
        }

        public void Zero(SpaceId space, PageRange range) => Say(builder =>
        {
            GivenPages(space).Add(range);
            builder.Zero(space, range);
        });

        public void Drop(SpaceId space, PageRange range) => Say(builder =>
        {
            GivenPages(space).Remove(range);
            builder.Drop(space, range);
        });

        public void Removed(SpaceId space) => Say(builder =>
        {
            _given.Remove(space);
            builder.RemoveSpace(space);
        });

        public void Taken(ulong interval, CheckpointSummary summary, ReadOnlySpan<byte> image)
        {
            PendingSnapshot pending = _session.Head(interval);
            SnapshotInfo? stored = null;
            if (Current() is { } builder)
            {
                try
                {
                    stored = Commit(builder, pending, summary, image);
                }
                catch (Exception failed) when (failed is SnapException or KernelException)
                {
                    GiveUp(failed);
                }
            }

            Reset();
            if (stored is null)
            {
                _session.NotStored(pending, this);
                return;
            }

            _parentSpaces = [.. summary.Spaces];
            _session._engine.Pass(FaultPoint.Acknowledge);
            _session.Stored(pending, stored, this);
        }

        public void NotTaken(ulong interval, SnapException reason, bool targetGone)
        {
            Reset();
            _session.NotTaken(interval, reason, targetGone);
        }

        private SnapshotInfo Commit(SnapshotBuilder builder, PendingSnapshot pending, CheckpointSummary summary, ReadOnlySpan<byte> image)
        {
            if (summary.Pid != _session.Pid || summary.StartTime != _session.Target.StartTime)
                throw new SnapException(ErrorCatalogue.TargetEnded, $"process {_session.Pid} has ended, and another has its pid", $"pid {_session.Pid}");
            SnapshotInfo? parent = _session.Last;
            if (summary.IsFull && parent is not null)
                DropTheRest(builder, summary);
            var facts = new SnapshotFacts
            {
                Pid = summary.Pid,
                StartTime = summary.StartTime,
                Processes = summary.Processes,
                Threads = summary.Threads,
                Command = summary.Command,
                Host = summary.Host,
                BootId = summary.BootId,
                Previous = parent?.Id,
                PauseMicroseconds = summary.PauseMicroseconds,
                Tracker = summary.Tracker,
                Full = parent is null,
                PagesDirty = (long)summary.PagesDirty,
                Missed = pending.MissedBefore,
                Notices = summary.Notices,
            };
            _session._engine.Pass(FaultPoint.Commit);
            SnapshotInfo stored = builder.Commit(new SnapshotHeader(_session.Name, summary.Time) { Facts = facts.Encode(), Id = pending.Snapshot }, image);
            _session._engine.Pass(FaultPoint.Commit);
            return stored;
        }

        /// <summary>A tracer that begins anew gives every page there is, and can't name those that were there before: what it didn't give is absent.</summary>
        private void DropTheRest(SnapshotBuilder builder, CheckpointSummary summary)
        {
            HashSet<SpaceId> present = [.. summary.Spaces];
            var pieces = new List<(PageRange Piece, bool IsInside)>();
            foreach (SpaceId space in _parentSpaces)
            {
                if (!present.Contains(space))
                {
                    builder.RemoveSpace(space);
                    continue;
                }

                var all = new PageRange(0, 1UL << (64 - PageRange.PageShift));
                GivenPages(space).Split(all, pieces);
                foreach ((PageRange piece, bool wasGiven) in pieces)
                {
                    if (!wasGiven)
                        builder.Drop(space, piece);
                }
            }
        }

        private PageSet GivenPages(SpaceId space)
        {
            if (!_given.TryGetValue(space, out PageSet? pages))
                _given.Add(space, pages = new PageSet());
            return pages;
        }

        private void Say(Action<SnapshotBuilder> word)
        {
            if (Current() is not { } builder)
                return;
            try
            {
                word(builder);
            }
            catch (Exception failed) when (failed is SnapException or KernelException)
            {
                GiveUp(failed);
            }
        }

        /// <summary>The builder of the interval that is being told; null if that can't be stored any more.</summary>
        private SnapshotBuilder? Current()
        {
            PendingSnapshot? pending = _session.Head();
            // Nobody waits for it: the session was ended.
            if (pending is null || pending.Error is not null)
                return null;
            if (_builder is not null)
                return _builder;
            try
            {
                return _builder = _session._engine.Begin(_session.Name, _session.Last?.Id ?? SnapshotId.None, pending.Durability);
            }
            catch (SnapException failed)
            {
                GiveUp(failed);
                return null;
            }
        }

        private void GiveUp(Exception failed)
        {
            SnapException reason = failed as SnapException ?? new SnapException(
                failed is KernelException { Errno: Errno.ENOSPC } ? ErrorCatalogue.StoreFull : ErrorCatalogue.StoreDisk, "cannot store the checkpoint",
                _session._engine.StoreDirectory, failed.Message, inner: failed);
            if (_session.Head() is { } pending)
                pending.Error ??= reason;
            _builder?.Dispose();
            _builder = null;
        }

        private void Reset()
        {
            _builder?.Dispose();
            _builder = null;
            _given.Clear();
        }

        private void Encode()
        {
            SnapException? bug = null;
            try
            {
                bug = Process.Receive(this, () => _session.Head() is not null);
            }
#pragma warning disable CA1031 // The top of a thread: whatever it is, those who wait for snapshots are told, and the tracer must not go on alone.
            catch (Exception unexpected)
            {
                bug = new SnapException(ErrorCatalogue.Internal, "storing checkpoints met a failure that it did not expect", why: unexpected.ToString(), inner: unexpected);
                Process.Kill();
            }
#pragma warning restore CA1031
            Reset();
            _hasEnded = true;
            _session.TracerEnded(this, bug);
        }
    }

    /// <summary>The interval that pages are being told of: the oldest under way. Null if its session was ended.</summary>
    private PendingSnapshot? Head()
    {
        lock (_gate)
            return _pending.TryPeek(out PendingSnapshot? pending) ? pending : null;
    }

    private PendingSnapshot Head(ulong interval)
    {
        PendingSnapshot pending = Head() ?? throw new InvalidOperationException($"interval {interval} was not asked for");
        Invariant.Holds(pending.Interval == interval);
        return pending;
    }

    private void Stored(PendingSnapshot pending, SnapshotInfo stored, Tracer tracer)
    {
        lock (_gate)
        {
            _parent = stored;
            _pending.Dequeue();
            tracer.Process.TryCommitted(pending.Interval);
        }

        pending.Succeed(stored);
    }

    private void NotStored(PendingSnapshot failed, Tracer tracer)
    {
        lock (_gate)
        {
            _pending.Dequeue();
            // One that was doomed by another's failure: the tracer was told then, and what was asked for since builds on neither.
            if (!failed.IsDoomed)
                tracer.Process.TryNotStored(failed.Interval);
            foreach (PendingSnapshot later in failed.IsDoomed ? [] : _pending)
            {
                later.IsDoomed = true;
                later.Error ??= new SnapException(ErrorCatalogue.EarlierIntervalFailed, $"a checkpoint of {Name} was given up", $"pid {Pid}",
                    $"the one before it could not be stored: {failed.Error!.What}", "nothing is lost: the next one holds what these would have", failed.Error);
            }
        }

        failed.Fail(failed.Error!);
    }

    private void NotTaken(ulong interval, SnapException reason, bool targetGone)
    {
        PendingSnapshot pending = Head(interval);
        lock (_gate)
        {
            _targetGone |= targetGone;
            _pending.Dequeue();
        }

        pending.Fail(reason);
    }

    private void TracerEnded(Tracer tracer, SnapException? bug)
    {
        lock (_gate)
        {
            if (_tracer == tracer || _tracer is null)
                FailAllPending(TracerLost(bug));
        }
    }
}

// Invariants of collection, which may run on another thread beside builders.
// Must: what a commit refers to is live when a generation is published without it. So, in this order:
//   1. Drops are published. Parents of open builders are never dropped.
//   2. Live slots are marked, from the catalog.
//   3. Under both locks: commits made since are marked, and the pages that open builders found in the index (with their bases). From here
//      on, until the new generations are published, builders refuse dead pages of the condemned segments: TryBorrow.
//   4. New generations are written and synced, then published by one synced change of the catalog, then the old ones unlinked,
//      each only when no lease is older than the publication.
// An interruption at any point leaves the old generations or the new ones current, and files that the next opening removes.
using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Catalog;
using Snap.Store.Disk;
using Snap.Store.Format;
using Snap.Store.Garbage;
using Snap.Store.Segments;

namespace Snap.Store;

public sealed partial class StoreWriter
{
    /// <summary>Segments and bytes that are rewritten before their generations are published together.</summary>
    private const int MaxBatch = 16;
    private const long MaxBatchBytes = 256 << 20;
    private readonly Lock _borrowGate = new();
    private readonly Lock _collecting = new();
    private readonly List<(ulong Epoch, string Path)> _unlinkLater = [];
    private readonly List<(ulong Begun, SegmentFile File)> _retired = [];
    private ulong _begun;
    private ulong _collectionStage;
    private HashSet<uint>? _condemned;
    private SlotSet? _condemnedLive;

    /// <summary>Names a snapshot by a tag, which also pins it; a tag that exists moves.</summary>
    /// <exception cref="SnapException">There is no such snapshot, or the tag can't be used.</exception>
    public void Tag(SnapshotId id, string tag)
    {
        Names.Check(tag);
        lock (_gate)
        {
            Entry(id);
            if (_state.Listed().Any(snapshot => snapshot.Name == tag))
                throw new SnapException(ErrorCatalogue.NameInvalid, $"the tag '{tag}' can't be used", why: "snapshots are named so already", toDo: "choose another tag");
            _state.SetTag(tag, id);
            Record(RecordKind.TagSet, to => CatalogLog.EncodeTag(to, tag, id));
        }
    }

    /// <summary>Removes a tag; false if there is none of this name.</summary>
    public bool Untag(string tag)
    {
        lock (_gate)
        {
            if (!_state.Tags.ContainsKey(tag))
                return false;
            _state.SetTag(tag, SnapshotId.None);
            Record(RecordKind.TagSet, to => CatalogLog.EncodeTag(to, tag, SnapshotId.None));
            return true;
        }
    }

    /// <summary>Sets the rules that <see cref="CollectGarbage"/> uses for a name; null removes them.</summary>
    public void SetPolicy(string name, RetentionPolicy? policy)
    {
        Names.Check(name);
        string text = policy?.ToString() ?? "";
        lock (_gate)
        {
            _state.SetPolicy(name, text);
            Record(RecordKind.PolicySet, to =>
            {
                to.Text(name);
                to.Text(text);
            });
        }
    }

    /// <summary>The rules stored for a name, if there are any.</summary>
    public RetentionPolicy? GetPolicy(string name)
    {
        lock (_state.Gate)
            return _state.Policies.TryGetValue(name, out string? text) ? RetentionPolicy.Parse(text) : null;
    }

    /// <summary>Drops snapshots: they are gone at once, and for good; their space returns with the next collection. Increments of theirs stay whole.</summary>
    /// <exception cref="SnapException">One doesn't exist, is pinned by a tag, or is the parent of a snapshot being built; none is dropped then.</exception>
    public void Remove(IReadOnlyCollection<SnapshotId> ids)
    {
        lock (_gate)
        {
            Dictionary<SnapshotId, string> pins = Pins();
            foreach (SnapshotId id in ids)
            {
                SnapshotEntry entry = Entry(id);
                if (pins.TryGetValue(id, out string? pin))
                    throw new SnapException(ErrorCatalogue.SnapshotPinned, $"snapshot {entry.Info} can't be deleted", why: pin, toDo: "remove the tag first, or wait");
            }
            Drop(ids);
        }
    }

    /// <summary>Drops what the policies don't keep, and gives the space of everything unreachable back to the file system.</summary>
    /// <remarks>Builders may work meanwhile, on other threads. Without policies only what is unreachable goes.</remarks>
    /// <exception cref="SnapException">It would delete every snapshot, or the disk failed.</exception>
    public GarbageReport CollectGarbage(GarbageOptions options)
    {
        lock (_collecting)
        {
            if (!options.DryRun)
                SyncCommits();
            List<RetentionDecision> decisions;
            ulong decided;
            lock (_gate)
                (decisions, decided) = (Decide(options), _state.NextOrder);
            var kept = decisions.Where(decision => decision.IsKept).Select(decision => decision.Snapshot.Id).ToHashSet();
            if (decisions.Count > 0 && kept.Count == 0 && !options.MayDeleteAll)
                throw new SnapException(ErrorCatalogue.WouldDeleteAll, "every snapshot of the store would be deleted", _disk.Describe(""),
                    $"none of the {decisions.Count} snapshots is kept by a rule", "add a rule that keeps some, or confirm with --delete-all");
            (Marker marker, List<SegmentFate> fates) = MarkAndWeigh(kept);
            if (options.MaxBytes > 0 && fates.Sum(fate => fate.BytesAfter) > options.MaxBytes)
                (decisions, kept, marker, fates) = FitInto(options.MaxBytes, decisions);
            long before = fates.Sum(fate => fate.TotalBytes);
            if (options.DryRun)
            {
                return new GarbageReport
                {
                    Decisions = decisions,
                    BytesBefore = before,
                    BytesAfter = fates.Sum(fate => fate.BytesAfter),
                    BytesRewritten = fates.Where(fate => fate.IsMostlyDead).Sum(fate => fate.LiveBytes),
                    SegmentsRemoved = fates.Count(fate => fate.IsDead),
                    SegmentsRewritten = fates.Count(fate => fate.IsMostlyDead),
                };
            }
            return Sweep(options, decisions, decided, kept, marker, fates, before);
        }
    }

    /// <summary>Changes whenever a collection begins or ends to close segments: a page that was found before may be gone.</summary>
    internal ulong CollectionStage => Volatile.Read(ref _collectionStage);

    /// <summary>Asks whether a builder may refer to a page that it found in the index; it is remembered as the builder's.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="page">The page.</param>
    /// <param name="stage"><see cref="CollectionStage"/> from before the page was looked for.</param>
    /// <returns>False if gc is about to remove the page, or one that it needs as a base: then it counts as not found.</returns>
    internal bool TryBorrow(SnapshotBuilder builder, PageVersion page, ulong stage)
    {
        lock (_borrowGate)
        {
            if (stage != _collectionStage)
                return false;
            if (_condemned is not null && !IsSafe(page))
                return false;
            builder.Borrowed.Add(page.Address);
            return true;
        }
    }

    private bool IsSafe(PageVersion page)
    {
        if (_condemned!.Contains(page.Address.Segment) && !_condemnedLive!.Contains(page.Address))
            return false;
        using var pins = new PagePins();
        for (int i = 0; page.Head.HasBase && i < page.Head.PageCount; i++)
        {
            if (FindPage(page.Head.Base.Page(i), pins) is not { } basis || !IsSafe(basis))
                return false;
        }
        return true;
    }

    private SnapshotEntry Entry(SnapshotId id)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        SnapshotEntry? entry = _state.Find(id);
        return entry is { IsDropped: false } ? entry : throw StoreErrors.NoSnapshot(id.ToString(), "no snapshot has this id");
    }

    /// <summary>Snapshots that may not be dropped, and why.</summary>
    private Dictionary<SnapshotId, string> Pins()
    {
        var pins = new Dictionary<SnapshotId, string>();
        foreach (SnapshotBuilder builder in _builders.Values.Where(builder => builder.Parent != SnapshotId.None))
            pins[builder.Parent] = "the next snapshot is being built on it";
        foreach ((string tag, SnapshotId id) in _state.Tags)
            pins[id] = $"tag {tag}";
        return pins;
    }

    private void Drop(IReadOnlyCollection<SnapshotId> ids)
    {
        if (ids.Count == 0)
            return;
        foreach (SnapshotId id in ids)
        {
            _state.DropSnapshot(id);
            _maps.Remove(id);
        }
        SnapshotId last = ids.Last();
        foreach (SnapshotId id in ids)
            Record(RecordKind.SnapshotDropped, to => id.Write(to.Take(SnapshotId.Size)), sync: id == last);
    }

    /// <summary>Writes a change to the catalog; durable on return if <paramref name="sync"/>.</summary>
    private void Record(RecordKind kind, Action<ByteWriter> encode, bool sync = true)
    {
        SyncCommits();
        try
        {
            _catalog.Append(_state, kind, encode, sync);
        }
        finally
        {
            _lock.SetCatalogComplete(!_catalog.IsBroken);
        }
    }

    private List<RetentionDecision> Decide(GarbageOptions options)
    {
        Dictionary<SnapshotId, string> pins = Pins();
        var decisions = new List<RetentionDecision>();
        foreach (IGrouping<string, SnapshotInfo> group in _state.Listed().GroupBy(snapshot => snapshot.Name))
        {
            bool isMeant = options.Name is null || options.Name == group.Key;
            decisions.AddRange(Retention.Decide([.. group], isMeant ? options.Policy ?? GetPolicy(group.Key) : null, pins));
        }
        return decisions;
    }

    private (Marker Marker, List<SegmentFate> Fates) MarkAndWeigh(HashSet<SnapshotId> kept)
    {
        var marker = new Marker(Slots);
        marker.Mark(_state.AllEntries(), entry => kept.Contains(entry.Info.Id));
        return (marker, [.. _state.AllSegments().Where(segment => segment.End > 0).Select(segment => SegmentFate.Of(segment, Slots.Segments, marker.Live))]);
    }

    /// <summary>Drops the oldest snapshots until the rest fits: a search over how many have to go.</summary>
    private (List<RetentionDecision>, HashSet<SnapshotId>, Marker, List<SegmentFate>) FitInto(long maxBytes, List<RetentionDecision> decisions)
    {
        HashSet<SnapshotId> spared;
        lock (_gate)
            spared = [.. Pins().Keys, .. decisions.GroupBy(decision => decision.Snapshot.Name).Select(group => group.MaxBy(decision => decision.Snapshot.Sequence)!.Snapshot.Id)];
        SnapshotId[] candidates = [.. decisions.Where(decision => decision.IsKept && !spared.Contains(decision.Snapshot.Id))
            .OrderBy(decision => decision.Snapshot.Time).Select(decision => decision.Snapshot.Id)];
        (int low, int high) = (1, candidates.Length);
        while (true)
        {
            int count = low >= high ? high : (low + high) / 2;
            var dropped = candidates.Take(count).ToHashSet();
            var kept = decisions.Where(decision => decision.IsKept && !dropped.Contains(decision.Snapshot.Id)).Select(decision => decision.Snapshot.Id).ToHashSet();
            (Marker marker, List<SegmentFate> fates) = MarkAndWeigh(kept);
            if (low >= high)
            {
                return ([.. decisions.Select(decision => dropped.Contains(decision.Snapshot.Id)
                    ? decision with { IsKept = false, Reason = "the store is over its size limit" } : decision)], kept, marker, fates);
            }
            if (fates.Sum(fate => fate.BytesAfter) > maxBytes)
                low = count + 1;
            else
                high = count;
        }
    }

    private GarbageReport Sweep(GarbageOptions options, List<RetentionDecision> decisions, ulong decided, HashSet<SnapshotId> kept,
        Marker marker, List<SegmentFate> fates, long before)
    {
        ReleaseReserveIfFull();
        lock (_gate)
        {
            // A builder that was begun since the decision pins its parent; the parent of one that committed since may be meant to go.
            Dictionary<SnapshotId, string> pins = Pins();
            SnapshotId[] drops = [.. decisions.Where(decision => !decision.IsKept && !pins.ContainsKey(decision.Snapshot.Id)).Select(decision => decision.Snapshot.Id)];
            bool isMarkValid = drops.Length == decisions.Count(decision => !decision.IsKept)
                && _state.AllEntries().Where(entry => entry.Order >= decided).All(entry => entry.Info.IsFull || !drops.Contains(entry.Info.Parent));
            Drop(drops);
            if (!isMarkValid)
            {
                decided = _state.NextOrder;
                (marker, fates) = MarkAndWeigh([.. _state.Listed().Select(snapshot => snapshot.Id)]);
            }
        }
        var problems = new List<string>();
        (long rewrittenBytes, int removed, int rewritten) = (0, 0, 0);
        try
        {
            List<SegmentFate> doomed = Condemn(marker, fates, decided);
            removed = RemoveDead([.. doomed.Where(fate => fate.IsDead)]);
            foreach (List<SegmentFate> batch in Batches(doomed.Where(fate => !fate.IsDead)))
            {
                options.Progress?.Invoke($"rewriting {batch.Count} segments, {batch.Sum(fate => fate.LiveBytes) >> 20} MiB");
                List<SegmentEntry> next = RewriteBatch(batch, marker, problems);
                rewrittenBytes += next.Sum(entry => entry.End);
                rewritten += next.Count;
            }
            Forget(marker);
        }
        finally
        {
            lock (_borrowGate)
                (_condemned, _condemnedLive, _collectionStage) = (null, null, _collectionStage + 1);
        }
        RefreshReader();
        int leased = UnlinkReplaced();
        StoreDirectory.EnsureReserve(_disk, _options.ReserveBytes);
        return new GarbageReport
        {
            Decisions = decisions,
            BytesBefore = before,
            BytesAfter = _state.AllSegments().Sum(segment => segment.End),
            BytesRewritten = rewrittenBytes,
            SegmentsRemoved = removed,
            SegmentsRewritten = rewritten,
            FilesLeased = leased,
            Problems = problems,
        };
    }

    /// <summary>Completes the mark, and closes the condemned segments to builders.</summary>
    private List<SegmentFate> Condemn(Marker marker, List<SegmentFate> fates, ulong decided)
    {
        lock (_gate)
        {
            lock (_borrowGate)
            {
                foreach (SnapshotEntry entry in _state.AllEntries().Where(entry => entry.Order >= decided && !entry.IsDropped))
                    marker.MarkCommit(entry);
                foreach (SnapshotBuilder builder in _builders.Values)
                {
                    foreach (SlotAddress address in builder.Borrowed)
                        marker.MarkPage(address);
                }
                var doomed = new List<SegmentFate>();
                foreach (SegmentFate fate in fates.Where(fate => fate.IsDead || fate.IsMostlyDead))
                {
                    // The open segment of a name that is being written grows; it waits for the next collection.
                    if (!fate.Segment.IsSealed && _builders.ContainsKey(fate.Segment.Name))
                        continue;
                    SegmentFate now = SegmentFate.Of(fate.Segment, Slots.Segments, marker.Live);
                    if (!now.IsDead && !now.IsMostlyDead)
                        continue;
                    if (!fate.Segment.IsSealed)
                    {
                        fate.Segment.IsSealed = true;
                        _open.Remove(fate.Segment.Name);
                    }
                    doomed.Add(now);
                }
                _collectionStage++;
                _condemned = [.. doomed.Select(fate => fate.Segment.Segment)];
                _condemnedLive = marker.Live;
                HotPages.RemoveWhere(address => _condemned.Contains(address.Segment) && !marker.Live.Contains(address));
                return doomed;
            }
        }
    }

    private int RemoveDead(List<SegmentFate> dead)
    {
        if (dead.Count > 0)
            PublishReplaced([], [.. dead.Select(fate => fate.Segment)]);
        return dead.Count;
    }

    private static IEnumerable<List<SegmentFate>> Batches(IEnumerable<SegmentFate> fates)
    {
        // What frees most for the least comes first: on a full disk each batch pays for the next.
        var batch = new List<SegmentFate>();
        foreach (SegmentFate fate in fates.OrderBy(fate => fate.LiveBytes))
        {
            if (batch.Count >= MaxBatch || batch.Sum(other => other.LiveBytes) + fate.LiveBytes > MaxBatchBytes)
            {
                yield return batch;
                batch = [];
            }
            batch.Add(fate);
        }
        if (batch.Count > 0)
            yield return batch;
    }

    private List<SegmentEntry> RewriteBatch(List<SegmentFate> batch, Marker marker, List<string> problems)
    {
        var rewriter = new SegmentRewriter(_disk, _config, Slots, DeltaRules);
        var next = new List<SegmentEntry>();
        var old = new List<SegmentEntry>();
        foreach (SegmentFate fate in batch)
        {
            try
            {
                next.Add(rewriter.Rewrite(fate.Segment, marker.Live, marker.Needed.Contains));
                old.Add(fate.Segment);
            }
            catch (SnapException problem) when (problem.Kind == ErrorCatalogue.StoreDamaged || problem.Kind == ErrorCatalogue.StoreFull)
            {
                problems.Add($"segment {fate.Segment.Segment:x8} stays as it is: {problem.What}: {problem.Why} ({problem.Where})");
            }
        }
        if (next.Count > 0)
            PublishReplaced(next, old);
        return next;
    }

    /// <summary>Makes new generations current, durably; the old files are unlinked as leases allow.</summary>
    private void PublishReplaced(List<SegmentEntry> next, List<SegmentEntry> old)
    {
        _disk.SyncDirectory(SegmentName.Directory);
        lock (_gate)
        {
            string[] files = [.. old.Select(entry => SegmentName.Of(entry.Segment, entry.Generation))];
            _state.Epoch++;
            foreach (SegmentEntry entry in old.Where(entry => !next.Exists(replaced => replaced.Segment == entry.Segment)))
                _state.RemoveSegment(entry.Segment);
            foreach (SegmentEntry entry in next)
                _state.SetSegment(entry);
            foreach (SegmentEntry entry in old)
                Retire(entry.Segment);
            Record(RecordKind.SegmentsReplaced, to => CatalogRecords.EncodeReplaced(to, _state.Epoch, next, old));
            _unlinkLater.AddRange(files.Select(file => (_state.Epoch, file)));
        }
        UnlinkReplaced();
    }

    /// <summary>A builder may be about to read from a file that was replaced: it is closed when those that are open now have ended.</summary>
    private void Retire(uint segment)
    {
        if (Slots.Segments.Take(segment) is not { } file)
            return;
        Slots.Cache.Forget(file, 0);
        _retired.Add((_begun, file));
        CloseRetired();
    }

    private void CloseRetired()
    {
        ulong oldest = _builders.Count == 0 ? ulong.MaxValue : _builders.Values.Min(builder => builder.Number);
        foreach ((ulong begun, SegmentFile file) in _retired.Where(retired => retired.Begun < oldest))
            file.Dispose();
        _retired.RemoveAll(retired => retired.Begun < oldest);
    }

    /// <summary>Unlinks replaced files that no lease needs.</summary>
    /// <returns>How many have to stay for now.</returns>
    private int UnlinkReplaced()
    {
        lock (_gate)
        {
            using IDiskFile? leases = _disk.OpenOrNull(StoreVersion.LeasePath, forWriting: false);
            foreach ((ulong epoch, string path) in _unlinkLater.ToArray())
            {
                if (leases?.IsLockedByOthers(0, (long)epoch) ?? false)
                    continue;
                _disk.Unlink(path);
                _unlinkLater.Remove((epoch, path));
            }
            return _unlinkLater.Count;
        }
    }

    /// <summary>Removes dropped snapshots whose manifests nobody builds on any more from the catalog.</summary>
    private void Forget(Marker marker)
    {
        lock (_gate)
        {
            SnapshotEntry[] gone = [.. _state.AllEntries().Where(entry => entry.IsDropped && !marker.Needed.Contains(entry.Info.Id))];
            foreach (SnapshotEntry entry in gone)
                _state.ForgetSnapshot(entry.Info.Id);
            foreach (SnapshotEntry entry in gone)
                Record(RecordKind.SnapshotForgotten, to => entry.Info.Id.Write(to.Take(SnapshotId.Size)), sync: entry == gone[^1]);
            if (_catalog.WantsRewrite)
            {
                TryQuietly(() =>
                {
                    SyncCommits();
                    _catalog.Rewrite(_state);
                });
            }
        }
    }

    /// <summary>Gives the reserve's room to a collection on a full disk: its first steps need a little before they free a lot.</summary>
    private void ReleaseReserveIfFull()
    {
        const string Probe = "reserve.probe";
        try
        {
            _disk.Unlink(Probe);
            using IDiskFile probe = _disk.CreateNew(Probe);
            probe.Reserve(_options.ReserveBytes);
        }
        catch (SnapException failure)
        {
            if (failure.Kind == ErrorCatalogue.StoreFull)
                TryQuietly(() => _disk.Unlink(StoreDirectory.ReservePath));
        }
        TryQuietly(() => _disk.Unlink(Probe));
    }
}

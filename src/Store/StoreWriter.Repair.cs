// A repair takes nothing away that can be read. In this order:
//   1. A config or catalog that can't be read is rebuilt from the segments.
//   2. Everything is verified. Segments with damage are written anew: whole records stay, lost pages are put back if the same content (by its
//      hash) was stored again elsewhere.
//   3. Everything is verified again. Snapshots that still can't be read whole are dropped, with their tags.
//   4. What only these needed is collected.
using System.IO.Hashing;
using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Catalog;
using Snap.Store.Check;
using Snap.Store.Disk;
using Snap.Store.Format;
using Snap.Store.Index;
using Snap.Store.Pages;
using Snap.Store.Segments;

namespace Snap.Store;

public sealed partial class StoreWriter
{
    /// <summary>Repairs a store: heals what can be healed, drops what is lost, and says both.</summary>
    /// <param name="directory">The store.</param>
    /// <param name="dryRun">True: say what would be done, and change nothing.</param>
    /// <param name="progress">Called now and then with what is being looked at.</param>
    /// <exception cref="SnapException">There is no store, another process writes it, or the disk failed.</exception>
    public static RepairReport Repair(string directory, bool dryRun, Action<string>? progress = null) =>
        Repair(StoreDirectory.OpenExisting(directory), new StoreOptions { Progress = progress }, dryRun);

    internal static RepairReport Repair(IDisk disk, StoreOptions options, bool dryRun)
    {
        var notes = new List<string>();
        RepairFrame(disk, options, dryRun, notes);
        if (dryRun && notes.Count > 0)
            return new RepairReport { Notes = notes };
        using var writer = new StoreWriter(disk, options);
        return writer.RepairSegments(dryRun, notes);
    }

    /// <summary>Config, lock, leases and catalog.</summary>
    private static void RepairFrame(IDisk disk, StoreOptions options, bool dryRun, List<string> notes)
    {
        foreach (string path in new[] { WriterLock.Path, StoreVersion.LeasePath })
        {
            if (!dryRun && disk.List(SegmentName.Directory).Count > 0)
                disk.OpenOrCreate(path).Dispose();
        }
        StoreConfig config = ReadOrRebuildConfig(disk, dryRun, notes);
        using WriterLock held = WriterLock.Take(disk, options.HolderName);
        try
        {
            using CatalogLog catalog = CatalogLog.Load(disk, config.StoreId, new CatalogState(), forWriting: false);
            if (catalog.TornBytes > 0)
                notes.Add($"the last {catalog.TornBytes} bytes of the catalog are no record and {(dryRun ? "would be" : "were")} cut off; snapshots that they told of are looked for in the segments.");
        }
        catch (SnapException damage) when (damage.Kind == ErrorCatalogue.StoreDamaged)
        {
            CatalogState state = new CatalogRebuild(disk, config.StoreId, options.Progress).Build();
            notes.Add($"the catalog can't be read ({damage.Why}); {(dryRun ? "it would be" : "it was")} rebuilt from the segments with {state.Listed().Count} snapshots."
                + " Tags and retention rules are lost, and snapshots deleted since the last collection are back.");
            if (!dryRun)
                CatalogLog.Replace(disk, config.StoreId, state);
        }
    }

    private static StoreConfig ReadOrRebuildConfig(IDisk disk, bool dryRun, List<string> notes)
    {
        try
        {
            return StoreDirectory.ReadConfig(disk, forWriting: true);
        }
        catch (SnapException damage) when (damage.Kind == ErrorCatalogue.StoreDamaged || damage.Kind == ErrorCatalogue.StoreNotFound || damage.Kind == ErrorCatalogue.NotAStore)
        {
            if (CatalogRebuild.FindStoreId(disk) is not { } storeId)
                throw;
            var config = StoreConfig.New() with { StoreId = storeId };
            notes.Add($"the config can't be read; {(dryRun ? "it would be" : "it was")} written anew. Pages stored so far are found as bases, but no more by their hash.");
            if (!dryRun)
                StoreDirectory.WriteConfig(disk, config);
            return config;
        }
    }

    private RepairReport RepairSegments(bool dryRun, List<string> notes)
    {
        var verifier = new Verifier(_disk, _state, Slots, readData: true, _options.Progress);
        VerifyReport before = verifier.Run();
        if (before.IsWhole)
            return new RepairReport { Before = before, After = before, Notes = notes };
        List<SegmentSalvage> salvages = [];
        List<SegmentEntry> damaged = [.. _state.AllSegments().Where(segment => verifier.BadSegments.ContainsKey(segment.Segment))];
        foreach (SegmentEntry segment in damaged)
            salvages.Add(new SegmentSalvage(_disk, segment));
        Func<ulong, byte[]?> find = PagesByHash(salvages, verifier.Bad);
        if (dryRun)
        {
            long found = salvages.SelectMany(salvage => salvage.WantedHashes()).Count(hash => find(hash) is not null);
            notes.Add($"{found} of {salvages.Sum(salvage => salvage.Lost.Sum(entry => entry.Count))} lost records and pages can be put back from elsewhere");
            return new RepairReport { Before = before, Dropped = before.Damaged, SegmentsRewritten = damaged.Count, PagesHealed = found, Notes = notes };
        }
        Replace(damaged, salvages, find);
        var second = new Verifier(_disk, _state, Slots, readData: true, _options.Progress);
        VerifyReport still = second.Run();
        string[] tags = DropWithTags(still.Damaged);
        ForgetUnreadable();
        CollectGarbage(new GarbageOptions { MayDeleteAll = true, Progress = _options.Progress, Policy = new RetentionPolicy() });
        return new RepairReport
        {
            Before = before,
            After = new Verifier(_disk, _state, Slots, readData: true, _options.Progress).Run(),
            Dropped = still.Damaged,
            TagsLost = tags,
            Healed = [.. before.Damaged.Where(snapshot => still.Damaged.All(lost => lost.Id != snapshot.Id))],
            PagesHealed = salvages.Sum(salvage => salvage.PagesHealed),
            SegmentsRewritten = salvages.Count(salvage => !salvage.IsGone),
            Notes = notes,
        };
    }

    private void Replace(List<SegmentEntry> damaged, List<SegmentSalvage> salvages, Func<ulong, byte[]?> find)
    {
        var next = new List<SegmentEntry>();
        foreach (SegmentSalvage salvage in salvages.Where(salvage => !salvage.IsGone))
            next.Add(salvage.Rewrite(_disk, _config.StoreId, find));
        if (damaged.Count > 0)
            PublishReplaced(next, damaged);
        RefreshReader();
    }

    /// <summary>Looks for pages in segments that aren't damaged, by the hashes of those that are lost.</summary>
    private Func<ulong, byte[]?> PagesByHash(List<SegmentSalvage> salvages, Garbage.SlotSet bad)
    {
        HashSet<ulong> wanted = [.. salvages.SelectMany(salvage => salvage.WantedHashes())];
        var found = new Dictionary<ulong, SlotAddress>();
        if (wanted.Count > 0)
        {
            foreach ((ulong hash, SlotAddress address) in _state.AllSegments().SelectMany(segment => HashReader.Read(Slots.Segments, segment)).SelectMany(page => page))
            {
                if (wanted.Contains(hash) && !bad.Contains(address))
                    found[hash] = address;
            }
        }
        return hash =>
        {
            using var pins = new PagePins();
            return found.TryGetValue(hash, out SlotAddress address) && FindPage(address, pins) is { } page
                && (ulong)XxHash128.HashToUInt128(page.Bytes.Span, (long)HashSeed) == hash ? page.Bytes.ToArray() : null;
        };
    }

    private string[] DropWithTags(IReadOnlyList<SnapshotInfo> snapshots)
    {
        HashSet<SnapshotId> lost = [.. snapshots.Select(snapshot => snapshot.Id)];
        string[] tags = [.. _state.Tags.Where(tag => lost.Contains(tag.Value)).Select(tag => tag.Key)];
        foreach (string tag in tags)
            Untag(tag);
        lock (_gate)
            Drop(lost);
        return tags;
    }

    /// <summary>Forgets dropped snapshots whose manifests are lost: what is whole and came after them has a full manifest, or it were lost too.</summary>
    private void ForgetUnreadable()
    {
        var unreadable = new List<SnapshotId>();
        new ManifestWalk(Slots).Run(_state.AllEntries(), _ => true, _ => { }, (entry, _) => unreadable.Add(entry.Info.Id));
        lock (_gate)
        {
            foreach (SnapshotId id in unreadable)
            {
                _state.ForgetSnapshot(id);
                Record(RecordKind.SnapshotForgotten, to => id.Write(to.Take(SnapshotId.Size)));
            }
        }
    }
}

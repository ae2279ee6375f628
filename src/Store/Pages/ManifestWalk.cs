using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Format;

namespace Snap.Store.Pages;

/// <summary>What a walk shows of one snapshot.</summary>
/// <param name="Entry">The snapshot.</param>
/// <param name="Manifest">Its manifest.</param>
/// <param name="Maps">All its pages; valid during the visit only.</param>
internal readonly record struct ManifestVisit(SnapshotEntry Entry, Manifest Manifest, SortedDictionary<SpaceId, PageMap> Maps);

/// <summary>Visits snapshots from parents to children, with one map that changes are applied to: each manifest is read once.</summary>
internal sealed class ManifestWalk(SlotStore slots)
{
    /// <summary>Visits the wanted snapshots, and those that they build on.</summary>
    /// <param name="entries">All snapshots of the catalog, parents before children.</param>
    /// <param name="isWanted">Which ones have to be visited.</param>
    /// <param name="visit">Called for each; must not change the maps.</param>
    /// <param name="onDamage">Called for each that can't be resolved; null: the damage is thrown.</param>
    public void Run(IReadOnlyList<SnapshotEntry> entries, Func<SnapshotEntry, bool> isWanted, Action<ManifestVisit> visit,
        Action<SnapshotEntry, SnapException>? onDamage = null)
    {
        ILookup<SnapshotId, SnapshotEntry> children = entries.ToLookup(entry => entry.Info.Parent);
        HashSet<SnapshotId> wanted = WithDescendants(entries, isWanted);
        var known = entries.Select(entry => entry.Info.Id).ToHashSet();
        var next = new Stack<(SnapshotEntry Entry, SortedDictionary<SpaceId, PageMap>? Maps)>();
        foreach (SnapshotEntry root in entries.Where(entry => !known.Contains(entry.Info.Parent) && wanted.Contains(entry.Info.Id)))
            next.Push((root, null));
        while (next.TryPop(out var step))
        {
            SortedDictionary<SpaceId, PageMap>? maps = null;
            try
            {
                Manifest manifest = slots.ReadManifest(step.Entry.Manifest);
                maps = Apply(step.Entry, manifest, step.Maps);
                visit(new ManifestVisit(step.Entry, manifest, maps));
            }
            catch (SnapException damage) when (onDamage is not null && damage.Kind == ErrorCatalogue.StoreDamaged)
            {
                onDamage(step.Entry, damage);
            }
            bool isFirst = true;
            foreach (SnapshotEntry child in children[step.Entry.Info.Id].Where(child => wanted.Contains(child.Info.Id)))
            {
                next.Push((child, isFirst || maps is null ? maps : Copy(maps)));
                isFirst = false;
            }
        }
    }

    private SortedDictionary<SpaceId, PageMap> Apply(SnapshotEntry entry, Manifest manifest, SortedDictionary<SpaceId, PageMap>? maps)
    {
        if (manifest.IsFull)
            maps = [];
        if (maps is null)
            throw StoreErrors.Damaged(slots.Segments.Get(entry.Manifest.Segment, out _).Description, null, $"a manifest that {entry.Info} builds on is lost");
        manifest.ApplyTo(maps);
        return maps;
    }

    private static HashSet<SnapshotId> WithDescendants(IReadOnlyList<SnapshotEntry> entries, Func<SnapshotEntry, bool> isWanted)
    {
        var wanted = new HashSet<SnapshotId>();
        foreach (SnapshotEntry entry in entries.Reverse())
        {
            if (!isWanted(entry) && !wanted.Contains(entry.Info.Id))
                continue;
            wanted.Add(entry.Info.Id);
            wanted.Add(entry.Info.Parent);
        }
        return wanted;
    }

    private static SortedDictionary<SpaceId, PageMap> Copy(SortedDictionary<SpaceId, PageMap> maps)
    {
        var copy = new SortedDictionary<SpaceId, PageMap>();
        foreach ((SpaceId space, PageMap map) in maps)
            copy.Add(space, map.Copy());
        return copy;
    }
}

using Snap.Image;

namespace Snap.Store.Pages;

/// <summary>What a manifest says of one space.</summary>
/// <param name="Replaces">True: the pages are all there are. False: they are changes to the base manifest's space.</param>
/// <param name="Pages">The pages.</param>
internal sealed record ManifestSpace(bool Replaces, PageMap Pages);

/// <summary>A manifest, decoded.</summary>
internal sealed class Manifest
{
    /// <summary>True: it stands alone. False: it changes <see cref="Base"/>.</summary>
    public bool IsFull { get; init; }

    /// <summary>The manifest that an increment changes.</summary>
    public SlotAddress Base { get; init; }

    /// <summary>Stored bytes of the increments since the last full manifest, without this one.</summary>
    public long ChainBytes { get; init; }

    /// <summary>Stored bytes of the last full manifest.</summary>
    public long FullBytes { get; init; }

    /// <summary>Spaces that no longer exist.</summary>
    public List<SpaceId> Removed { get; init; } = [];

    /// <summary>Spaces that are new or changed; in a full manifest: all.</summary>
    public SortedDictionary<SpaceId, ManifestSpace> Spaces { get; init; } = [];

    /// <summary>Makes <paramref name="maps"/>, which hold the base's pages, hold this snapshot's; new spaces' maps are shared, not copied.</summary>
    public void ApplyTo(SortedDictionary<SpaceId, PageMap> maps)
    {
        foreach (SpaceId removed in Removed)
            maps.Remove(removed);
        foreach ((SpaceId id, ManifestSpace space) in Spaces)
        {
            if (space.Replaces || !maps.TryGetValue(id, out PageMap? map))
                maps[id] = space.Pages;
            else
                map.Apply(space.Pages);
        }
    }
}

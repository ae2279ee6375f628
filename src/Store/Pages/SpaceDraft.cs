using Snap.Image;

namespace Snap.Store.Pages;

/// <summary>What a snapshot being built says of one space.</summary>
/// <param name="space">The space.</param>
/// <param name="parent">Its pages in the parent; null if it is new there, or was removed and made anew.</param>
internal sealed class SpaceDraft(SpaceId space, PageMap? parent)
{
    public SpaceId Space => space;

    /// <summary>True if nothing of the parent's is left.</summary>
    public bool Replaces => parent is null;

    /// <summary>Changes to the parent's pages.</summary>
    public PageMap Changes { get; } = new();

    /// <summary>For a new space: the one that its pages were found to be like last.</summary>
    public SpaceId? Sibling { get; set; }

    /// <summary>Pages since then that were like no other space's.</summary>
    public int SiblingMisses { get; set; }

    /// <summary>What the page is now.</summary>
    public ulong Now(ulong page)
    {
        ulong changed = Changes.Get(page);
        return changed == PageMap.Absent ? Before(page) : changed;
    }

    /// <summary>The page in the parent.</summary>
    public ulong Before(ulong page) => parent?.Get(page) ?? PageMap.Absent;

    /// <summary>Sets what the page is now; nothing is said of it if that is what the parent has.</summary>
    public void Set(ulong page, ulong value)
    {
        ulong before = Before(page);
        Changes.Set(page, value == before ? PageMap.Absent : value == PageMap.Absent ? PageMap.Dropped : value);
    }

    /// <summary>Pages that are present, or spoken of, in a range.</summary>
    public List<ulong> PagesWithin(PageRange range) =>
        [.. (parent?.Within(range) ?? []).Concat(Changes.Within(range)).Select(entry => entry.Page).Distinct()];
}

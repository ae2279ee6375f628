// A space that the parent doesn't have is often a fork's: what a sibling holds at the same address is then equal, or differs in a few bytes.
// Files and shared memory have the same page numbers too, all from 0 on, so a candidate must look alike before it serves as a base.
using System.Runtime.InteropServices;
using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Pages;

namespace Snap.Store;

public sealed partial class SnapshotBuilder
{
    /// <summary>Pages of a new space without a sibling, behind which none is looked for any more.</summary>
    private const int MaxSiblingMisses = 256;

    /// <summary>The page at the same address in a space like this one.</summary>
    /// <param name="draft">The space; new in this snapshot.</param>
    /// <param name="page">The page.</param>
    /// <param name="bytes">What it is to hold.</param>
    /// <param name="address">Where the sibling's page is stored.</param>
    private PageVersion? FindInSibling(SpaceDraft draft, ulong page, ReadOnlySpan<byte> bytes, out ulong address)
    {
        address = PageMap.Absent;
        if (!draft.Replaces || draft.SiblingMisses >= MaxSiblingMisses)
            return null;
        if (draft.Sibling is { } known && TryLike(known, page, bytes, out address) is { } found)
            return found;
        foreach (SpaceId other in _drafts.Keys.Concat(_parentMaps.Keys))
        {
            if (other == draft.Space || other == draft.Sibling || TryLike(other, page, bytes, out address) is not { } like)
                continue;
            (draft.Sibling, draft.SiblingMisses) = (other, 0);
            return like;
        }
        draft.SiblingMisses++;
        address = PageMap.Absent;
        return null;
    }

    private PageVersion? TryLike(SpaceId space, ulong page, ReadOnlySpan<byte> bytes, out ulong address)
    {
        address = Current(space, page);
        return PageMap.IsData(address) && _writer.FindPage(new SlotAddress(address), _pins) is { } version && IsLike(version.Bytes.Span, bytes) ? version : null;
    }

    /// <summary>What this snapshot holds at a page so far.</summary>
    private ulong Current(SpaceId space, ulong page)
    {
        if (_drafts.TryGetValue(space, out SpaceDraft? draft))
            return draft.Now(page);
        return _removed.Contains(space) ? PageMap.Absent : _parentMaps.GetValueOrDefault(space)?.Get(page) ?? PageMap.Absent;
    }

    /// <summary>True if most of some words are the same.</summary>
    private static bool IsLike(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        const int Step = 7;
        ReadOnlySpan<ulong> a = MemoryMarshal.Cast<byte, ulong>(left), b = MemoryMarshal.Cast<byte, ulong>(right);
        int equal = 0;
        for (int i = 0; i < a.Length; i += Step)
            equal += a[i] == b[i] ? 1 : 0;
        return equal > a.Length / Step / 2;
    }
}

using Snap.Image;

namespace Snap.Restorer;

/// <summary>Where the contents of a snapshot's pages come from.</summary>
public interface IPageSource
{
    /// <summary>The pages of a space that aren't absent, ascending. Absent means zero in anonymous memory, the file's own content in a file mapping.</summary>
    IEnumerable<(PageRange Range, bool IsZero)> Runs(SpaceId space);

    /// <summary>Copies pages that aren't absent. Called by several threads at once.</summary>
    /// <param name="space">The space.</param>
    /// <param name="firstPage">First page.</param>
    /// <param name="into">A multiple of the page size.</param>
    void ReadPages(SpaceId space, ulong firstPage, Span<byte> into);
}

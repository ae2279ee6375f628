using Snap.Image;
using Snap.Store;

namespace Snap.Restorer;

/// <summary>The pages of a snapshot in a store.</summary>
/// <param name="content">Open for reading; stays the caller's to dispose, after <see cref="TreeRestorer.Restore"/> has returned.</param>
public sealed class StoredPages(SnapshotContent content) : IPageSource
{
    /// <inheritdoc/>
    public IEnumerable<(PageRange Range, bool IsZero)> Runs(SpaceId space) =>
        content.Runs(space).Select(run => (run.Range, run.State == PageState.Zero));

    /// <inheritdoc/>
    public void ReadPages(SpaceId space, ulong firstPage, Span<byte> into) => content.ReadPages(space, firstPage, into);
}

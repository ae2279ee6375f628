using Snap.Image;
using Snap.Kernel.Tracking;

namespace Snap.Dumper.Pages;

/// <content>Private file mappings: which of their pages are copies of the process's own, and which the file's.</content>
internal sealed partial class WriteProtectTracker
{
    private bool TryScanFile(PageRange range, bool isFrozen, PageChanges changes)
    {
        var walk = new RegionWalk(_pagemap, range, _takeWrittenThere, _found);
        while (walk.TryNext(out PageRange run, out _))
            AddFileRun(run, changes);
        if (!walk.IsRefused && isFrozen)
            DropRevertedFilePages(range, changes);
        return !walk.IsRefused;
    }

    // Of what was written or has just come in, the file's own pages are not ours to keep.
    private void AddFileRun(PageRange run, PageChanges changes)
    {
        ulong at = run.First;
        var walk = new RegionWalk(_pagemap, run, _lookAtFile, _looked);
        while (walk.TryNext(out PageRange part, out PageCategories categories))
        {
            DropPrivate(new PageRange(at, part.First - at), changes);
            AddFilePages(part, categories, changes);
            at = part.End;
        }

        DropPrivate(new PageRange(at, run.End - at), changes);
    }

    private void AddFilePages(PageRange run, PageCategories categories, PageChanges changes)
    {
        if ((categories & PageCategories.File) != 0)
            DropPrivate(run, changes);
        else if ((categories & PageCategories.Present) != 0)
            AddPrivate(run, changes);
        else
            AddSwapped(run, isFile: true, changes);
    }

    private void DropRevertedFilePages(PageRange range, PageChanges changes)
    {
        _privateFilePages.Split(range, _pieces);
        foreach ((PageRange run, bool isPrivate) in _pieces)
        {
            if (!isPrivate)
                continue;
            ulong at = run.First;
            var walk = new RegionWalk(_pagemap, run, _lookAtFile, _looked);
            while (walk.TryNext(out PageRange part, out PageCategories categories))
            {
                DropPrivate(new PageRange(at, part.First - at), changes);
                at = part.End;
                // A copy that is present and wasn't written is what it was. One that isn't present may be in swap, or have left a marker.
                if ((categories & (PageCategories.Present | PageCategories.File)) != PageCategories.Present)
                    AddFilePages(part, categories, changes);
            }

            DropPrivate(new PageRange(at, run.End - at), changes);
        }
    }

    private void DropPrivate(PageRange range, PageChanges changes)
    {
        if (range.Count == 0)
            return;
        changes.Dropped.Add(range);
        changes.Written.Remove(range);
        _privateFilePages.Remove(range);
    }

    private void AddPrivate(PageRange run, PageChanges changes)
    {
        _privateFilePages.Add(run);
        changes.Written.Add(run);
    }
}

using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Memory;

namespace Snap.Restorer.Memory;

/// <summary>What of its parent's memory a process keeps when it is forked from it, so that pages which are alike in both stay one page (copy on write).</summary>
/// <remarks>
/// Kept are private mappings that both have at one place, alike in everything; anonymous ones may end elsewhere, as heaps do. The parent's must hold its
/// contents, and not yet its final protections. Nothing is taken to be alike: each page that the process has is compared with what it inherited and written
/// if it differs, and each that only the parent has is dropped. So a wrong guess costs memory, never a byte.
/// </remarks>
internal sealed class InheritedMemory
{
    // Not inherited at all, or not as it was; a mapping that is shared with the page merger of the kernel is left alone.
    private const MappingTraits Unfit = MappingTraits.DontFork | MappingTraits.WipeOnFork | MappingTraits.Mergeable;

    private readonly Dictionary<ulong, RemoteRange> _kept = [];
    private readonly ProcessImage _parent, _process;

    public InheritedMemory(ProcessImage parent, ProcessImage process)
    {
        (_parent, _process) = (parent, process);
        Dictionary<ulong, MappingImage> parents = parent.Mappings.Where(IsFit).ToDictionary(mapping => mapping.Start);
        foreach (MappingImage own in process.Mappings.Where(IsFit))
        {
            if (parents.TryGetValue(own.Start, out MappingImage? other) && (own == other || (own.Kind == MappingKind.Anonymous && own == other with { End = own.End })))
                _kept.Add(own.Start, new RemoteRange(new RemoteAddress(own.Start), Math.Min(own.End, other.End) - own.Start));
        }
    }

    /// <summary>Hardly any of the parent's pages would be kept: to have all its page tables copied for them isn't worth it.</summary>
    public bool IsWorthless(IPageSource pages)
    {
        const ulong worth = 16;
        ulong kept = Count(ContentOf(pages, _parent)), all = Count(pages.Runs(_parent.Space).Where(run => !run.IsZero).Select(run => run.Range));
        return kept == 0 || kept < all / worth;
    }

    /// <summary>What is kept, ascending.</summary>
    public IEnumerable<RemoteRange> Ranges => _kept.Values.OrderBy(range => range.Start.Value);

    /// <summary>True if (the first part of) a mapping is kept.</summary>
    public bool TryFind(MappingImage mapping, out RemoteRange kept) => _kept.TryGetValue(mapping.Start, out kept) && !mapping.IsShared;

    /// <summary>Pages that came from the parent, and that the process doesn't have.</summary>
    public List<PageRange> Surplus(IPageSource pages)
    {
        var surplus = new List<PageRange>();
        List<PageRange> own = ContentOf(pages, _process);
        int next = 0;
        foreach (PageRange run in ContentOf(pages, _parent))
        {
            ulong at = run.First;
            while (next < own.Count && own[next].End <= at)
                next++;
            for (int i = next; i < own.Count && own[i].First < run.End; i++)
            {
                if (own[i].First > at)
                    surplus.Add(new PageRange(at, own[i].First - at));
                at = Math.Max(at, own[i].End);
            }

            if (at < run.End)
                surplus.Add(new PageRange(at, run.End - at));
        }

        return surplus;
    }

    private static ulong Count(IEnumerable<PageRange> runs) => runs.Aggregate(0UL, (sum, run) => sum + run.Count);

    private static bool IsFit(MappingImage mapping) =>
        !mapping.IsShared && mapping.Kind is MappingKind.Anonymous or MappingKind.File or MappingKind.Stack && (mapping.Traits & Unfit) == 0;

    /// <summary>The pages of a process in what is kept that are neither zero by nature nor a file's own.</summary>
    private List<PageRange> ContentOf(IPageSource pages, ProcessImage process)
    {
        var content = new List<PageRange>();
        (PageRange Range, bool IsFile)[] kept = [.. process.Mappings.Where(mapping => TryFind(mapping, out _))
            .Select(mapping => (PageRange.FromBytes(mapping.Start, _kept[mapping.Start].End.Value), mapping.Kind == MappingKind.File))];
        int at = 0;
        foreach ((PageRange run, bool isZero) in pages.Runs(process.Space))
        {
            while (at < kept.Length && kept[at].Range.End <= run.First)
                at++;
            for (int i = at; i < kept.Length && kept[i].Range.First < run.End; i++)
            {
                ulong first = Math.Max(run.First, kept[i].Range.First), end = Math.Min(run.End, kept[i].Range.End);
                if (!isZero || kept[i].IsFile)
                    content.Add(new PageRange(first, end - first));
            }
        }

        return content;
    }
}

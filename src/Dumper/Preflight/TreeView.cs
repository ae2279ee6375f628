using Snap.Dumper.Collect;
using Snap.Image;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Preflight;

/// <summary>What looks at a whole tree have learned, kept for the next look and for the pause.</summary>
internal sealed class TreeView
{
    /// <summary>Who outside holds its pipes.</summary>
    public OutsideHolders Outside { get; } = new();

    /// <summary>What its descriptors lead to.</summary>
    public TreeEnds Ends { get; } = new();

    /// <summary>Its open file descriptions.</summary>
    public TreeDescriptions Descriptions { get; } = new();

    /// <summary>Its processes at the last look.</summary>
    public HashSet<int> Members { get; } = [];

    /// <summary>A process outside that holds pipe <paramref name="inode"/>, by what was last seen of others; 0 if none is known.</summary>
    public int OutsideHolderOf(ulong inode)
    {
        int holder = Outside.HolderOf(inode);
        // It may be one of ours that wasn't listed yet, or have ended since.
        return holder == 0 || Members.Contains(holder) || TaskFiles.OfProcess(holder).ReadStat() is not { IsDead: false } ? 0 : holder;
    }

    /// <summary>Takes what the tables say, and decides for each description what capturing makes of it.</summary>
    /// <param name="views">The processes, their tables just read.</param>
    /// <param name="looksOutside">Look for others that hold their pipes: not in a pause.</param>
    /// <param name="add">Gets what can't be captured.</param>
    public void Judge(IReadOnlyList<(LiveView View, DescriptorTable Table)> views, bool looksOutside, Action<int, SnapException> add)
    {
        Members.Clear();
        Members.UnionWith(views.Select(one => one.View.Pid));
        DescriptorTable[] tables = [.. views.Select(one => one.Table)];
        Descriptions.Unify(tables);
        Ends.Learn(tables);
        if (looksOutside)
            Outside.Learn(Ends.ClosedPipes, Members);
        foreach ((LiveView view, DescriptorTable table) in views)
        {
            var findings = new List<SnapException>();
            new DescriptorRules(table, view.Reach, this, findings).Apply();
            findings.ForEach(finding => add(view.Pid, finding));
        }
    }
}

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

    /// <summary>After the thaw: a process outside, unknown till then, holds a pipe that was taken for one of the tree's own.</summary>
    /// <remarks>
    /// It was made by one of the tree and lost its parent between the last look at others and the freeze, so that no listing has it; or it is as new as
    /// that since the thaw, which needn't be told apart: the checkpoint is begun again.
    /// </remarks>
    /// <param name="root">The root: its descendants of now are no strangers.</param>
    public bool HasLeaked(int root)
    {
        Outside.Learn(Ends.ClosedPipes, Members);
        return Descriptions.All.Any(one => one.Description.Class == DescriptionClass.Pipe && one.Description.First.Target.Number is var pipe
            && Ends.IsClosed(pipe) && OutsideHolderOf(pipe) is > 0 and var holder && !IsDescendant(holder, root));
    }

    private static bool IsDescendant(int pid, int root)
    {
        const int deepest = 1000;
        for (int depth = 0; pid > 0 && depth < deepest; depth++)
        {
            if (pid == root)
                return true;
            pid = TaskFiles.OfProcess(pid).ReadStat()?.ParentPid ?? 0;
        }

        return false;
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

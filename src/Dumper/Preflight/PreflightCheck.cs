using Snap.Dumper.Collect;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Preflight;

/// <summary>Says whether a process can be captured, and if not, for which reasons, all at once; stops and changes nothing.</summary>
public static class PreflightCheck
{
    /// <summary>Looks at process <paramref name="pid"/> and all its descendants through /proc.</summary>
    /// <returns>Every reason found, and found again at once; none: the tree can be captured, as far as can be seen while it runs.</returns>
    public static IReadOnlyList<SnapException> Run(int pid) => RepeatedLook.Run(() => RunOnce(pid));

    private static IReadOnlyList<SnapException> RunOnce(int pid)
    {
        if (FindFatal(pid) is { } fatal)
            return [fatal];
        using var listing = new TreeListing();
        var views = new List<LiveView>();
        try
        {
            if (!listing.TryRead(pid))
                return [Refusal.NotFound(pid)];
            views.AddRange(listing.Entries.Where(entry => entry.Pid == pid || !entry.IsDead).Select(entry => new LiveView(entry.Pid)));
            var findings = new List<SnapException>();
            // A child that ended meanwhile isn't there any more; if the target itself did, that is all there is to say.
            Run(new TreeView(), views, (process, finding) =>
            {
                if (process == pid || finding.Kind != ErrorCatalogue.TargetNotFound)
                    findings.Add(finding);
            });
            TreeRules.Check(listing.Entries, findings);
            return findings.FirstOrDefault(finding => finding.Kind == ErrorCatalogue.TargetNotFound) is { } gone ? [gone] : findings;
        }
        finally
        {
            views.ForEach(view => view.Dispose());
        }
    }

    /// <summary>Looks at the processes of a tree, with what earlier looks have learned.</summary>
    /// <param name="tree">What is known of the tree.</param>
    /// <param name="views">Its processes, the root first.</param>
    /// <param name="add">Gets each reason, with the process it is about.</param>
    internal static void Run(TreeView tree, IReadOnlyList<LiveView> views, Action<int, SnapException> add)
    {
        var seen = new List<(LiveView View, DescriptorTable Table)>();
        foreach (LiveView view in views)
        {
            var findings = new List<SnapException>();
            if (Look(view, findings))
                seen.Add((view, view.Descriptors));
            findings.ForEach(finding => add(view.Pid, finding));
        }

        try
        {
            tree.Judge(seen, looksOutside: true, add);
        }
        catch (KernelException gone) when (gone.Errno == Errno.ESRCH)
        {
            // Whoever ended meanwhile is missed at the next look.
        }

        // What was read of a process that ended meanwhile says nothing.
        foreach ((LiveView view, _) in seen)
        {
            if (TaskFiles.OfProcess(view.Pid).ReadStat() is not { IsDead: false } now || now.StartTime != view.StartTime)
                add(view.Pid, Refusal.NotFound(view.Pid));
        }
    }

    /// <summary>Looks at one process of a tree, but for where its descriptors lead.</summary>
    internal static void RunAlone(LiveView view, Action<SnapException> add)
    {
        var findings = new List<SnapException>();
        Look(view, findings);
        findings.ForEach(add);
    }

    // What makes all further looks pointless, at children, too.
    private static SnapException? FindFatal(int pid)
    {
        try
        {
            TaskFiles process = TaskFiles.OfProcess(pid);
            return pid <= 0 || process.ReadStat() is not { } stat || process.ReadStatus() is not { } status ? Refusal.NotFound(pid)
                : IdentityRules.FindFatal(pid, stat, status);
        }
        catch (KernelException gone) when (gone.Errno == Errno.ESRCH)
        {
            return Refusal.NotFound(pid);
        }
        catch (KernelException denied) when (denied.Errno is Errno.EACCES or Errno.EPERM)
        {
            return IdentityRules.NotPermitted(pid, denied.Errno);
        }
    }

    /// <returns>True if its descriptors were read.</returns>
    private static bool Look(LiveView view, List<SnapException> findings)
    {
        int pid = view.Pid;
        try
        {
            TaskFiles process = TaskFiles.OfProcess(pid);
            if (pid <= 0 || process.ReadStat() is not { } stat || process.ReadStatus() is not { } status)
            {
                findings.Add(Refusal.NotFound(pid));
                return false;
            }

            view.StartTime = stat.StartTime;
            if (IdentityRules.FindFatal(pid, stat, status) is { } fatal)
            {
                findings.Add(fatal);
                return false;
            }

            IdentityRules.Check(view, stat, status, findings);
            view.HasSeenThreads = true;
            return LookAtObjects(view, findings);
        }
        catch (KernelException gone) when (gone.Errno is Errno.ESRCH or Errno.ENOENT)
        {
            findings.Add(Refusal.NotFound(pid));
        }
        catch (KernelException denied) when (denied.Errno is Errno.EACCES or Errno.EPERM)
        {
            findings.Clear();
            findings.Add(IdentityRules.NotPermitted(pid, denied.Errno));
        }

        return false;
    }

    private static bool LookAtObjects(LiveView view, List<SnapException> findings)
    {
        view.Reach.Forget();
        if (!view.Flags.TryRefresh(view.Pid) || TaskFiles.OfProcess(view.Pid).ReadMaps() is not { } maps || !view.Descriptors.TryRead())
            return false;
        var mappings = new MappingRules(view.Pid, view.Flags, view.Reach, findings);
        mappings.Apply(maps);
        mappings.CheckGuards();
        return true;
    }
}

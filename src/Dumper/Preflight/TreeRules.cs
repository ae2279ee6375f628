using System.Globalization;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Preflight;

/// <summary>Decides whether a tree of processes can be made again: whose child each is, its session and group, and what they share in unusual ways.</summary>
internal static class TreeRules
{
    /// <summary>Adds a finding for each process that a restore could not put where it is.</summary>
    /// <param name="tree">All of it, the root first.</param>
    /// <param name="findings">Gets them.</param>
    /// <param name="isNew">Which processes may share something that earlier looks didn't see; null for all.</param>
    public static void Check(IReadOnlyList<ProcStat> tree, List<SnapException> findings, Func<int, bool>? isNew = null)
    {
        if (tree.Count < 2)
            return;
        TreeNode[] nodes = [.. tree.Select(stat => new TreeNode(stat.Pid, stat.ParentPid, stat.ProcessGroup, stat.Session))];
        foreach ((int pid, string why) in TreeShape.Of(nodes).Problems)
            findings.Add(Refusal.Of(ErrorCatalogue.TreeUnsupported, pid, "its place in the tree of processes can't be made again", $"/proc/{pid}/stat", why,
                "snapshot it by itself, or when that process has ended"));
        foreach (ProcStat dead in tree.Where(stat => stat.IsDead && TaskFiles.OfProcess(stat.Pid).ListThreads() is { Count: > 1 }))
            findings.Add(Refusal.Of(ErrorCatalogue.TargetIsZombie, dead.Pid, "its main thread has ended while others run on",
                toDo: "a main thread that has ended can't be made again"));
        CheckZombies(tree, findings);
        CheckSharing(tree, findings, isNew);
    }

    /// <summary>It traces processes that aren't its children, or only by tracing.</summary>
    public static SnapException Tracer(int pid) => Refusal.Of(ErrorCatalogue.TreeUnsupported, pid, "it traces another process",
        $"/proc/{pid}/stat", "what a debugger holds of its target can't be captured", "have it detach first");

    // To whoever may not trace a process the kernel shows 0 as its exit code.
    private static void CheckZombies(IReadOnlyList<ProcStat> tree, List<SnapException> findings)
    {
        const ulong mayTraceAll = 1UL << 19;
        if (!tree.Any(stat => stat.IsDead) || new TaskFiles("/proc/thread-self").ReadStatus() is not { } ours || (ours.EffectiveCapabilities & mayTraceAll) != 0)
            return;
        foreach (ProcStat dead in tree.Where(stat => stat.IsDead && TaskFiles.OfProcess(stat.Pid).ReadStatus() is { } status && status.Uid.Real != ours.Uid.Effective))
            findings.Add(IdentityRules.NotPermitted(dead.Pid, Errno.EPERM));
    }

    // Parents were compared already; brothers may share, too (CLONE_PARENT).
    private static void CheckSharing(IReadOnlyList<ProcStat> tree, List<SnapException> findings, Func<int, bool>? isNew)
    {
        for (int i = 0; i < tree.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (tree[i].IsDead || tree[j].IsDead || tree[i].ParentPid == tree[j].Pid
                    || (isNew is not null && !isNew(tree[i].Pid) && !isNew(tree[j].Pid)))
                    continue;
                foreach ((int resource, string what) in (ReadOnlySpan<(int, string)>)[(Sched.KCMP_VM, "memory"), (Sched.KCMP_FILES, "descriptors"), (Sched.KCMP_FS, "working directory")])
                {
                    if (KernelCompare.Resources(resource, tree[i].Pid, tree[j].Pid).Raw == 0)
                        findings.Add(Refusal.Of(ErrorCatalogue.SharesResources, tree[i].Pid,
                            string.Create(CultureInfo.InvariantCulture, $"it shares its {what} with {IdentityRules.DescribeProcess(tree[j].Pid)}"),
                            why: "it was made by clone with CLONE_VM, CLONE_FILES or CLONE_FS", toDo: "such processes can't be captured"));
                }
            }
        }
    }
}

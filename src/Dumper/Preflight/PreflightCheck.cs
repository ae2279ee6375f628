using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Preflight;

/// <summary>Says whether a process can be captured, and if not, for which reasons, all at once; stops and changes nothing.</summary>
public static class PreflightCheck
{
    /// <summary>Looks at process <paramref name="pid"/> through /proc.</summary>
    /// <returns>Every reason found; none: it can be captured, as far as can be seen while it runs.</returns>
    public static IReadOnlyList<SnapException> Run(int pid)
    {
        using var view = new LiveView(pid);
        return Run(view);
    }

    /// <summary>As <see cref="Run(int)"/>, with what earlier looks at the same process have learned.</summary>
    internal static IReadOnlyList<SnapException> Run(LiveView view)
    {
        int pid = view.Pid;
        var findings = new List<SnapException>();
        try
        {
            TaskFiles process = TaskFiles.OfProcess(pid);
            if (pid <= 0 || process.ReadStat() is not { } stat || process.ReadStatus() is not { } status)
                return [Refusal.NotFound(pid)];
            if (IdentityRules.FindFatal(pid, stat, status) is { } fatal)
                return [fatal];
            IdentityRules.Check(pid, stat, status, withThreads: !view.HasSeenThreads, findings);
            view.HasSeenThreads = true;
            CheckObjects(view, findings);
            // What was read of a process that ended meanwhile says nothing.
            return process.ReadStat() is { IsDead: false } now && now.StartTime == stat.StartTime ? findings : [Refusal.NotFound(pid)];
        }
        catch (KernelException gone) when (gone.Errno == Errno.ESRCH)
        {
            return [Refusal.NotFound(pid)];
        }
        catch (KernelException denied) when (denied.Errno is Errno.EACCES or Errno.EPERM)
        {
            return [IdentityRules.NotPermitted(pid, denied.Errno)];
        }
    }

    private static void CheckObjects(LiveView view, List<SnapException> findings)
    {
        view.Reach.Forget();
        if (!view.Flags.TryRefresh(view.Pid) || TaskFiles.OfProcess(view.Pid).ReadMaps() is not { } maps || !view.Descriptors.TryRead())
            return;
        var mappings = new MappingRules(view.Pid, view.Flags, view.Reach, findings);
        mappings.Apply(maps);
        mappings.CheckGuards();
        view.Outside.Learn(DescriptorRules.ClosedPipes(view.Descriptors));
        new DescriptorRules(view.Descriptors, view.Reach, view.Outside, findings).Apply();
    }
}

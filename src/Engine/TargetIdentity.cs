using Snap.Kernel.Procfs;

namespace Snap.Engine;

/// <summary>Names one process for ever: a pid is given again, a pid with its start time of one boot isn't.</summary>
/// <param name="Pid">The pid.</param>
/// <param name="StartTime">Clock ticks since boot.</param>
/// <param name="BootId">/proc/sys/kernel/random/boot_id.</param>
internal readonly record struct TargetIdentity(int Pid, ulong StartTime, string BootId)
{
    /// <summary>The process that has a pid now; null if none has, or it has ended and waits to be reaped.</summary>
    /// <remarks>A process whose first thread alone has ended shows the same state, but lists its other threads: it lives, and preflight says why it can't be captured.</remarks>
    public static TargetIdentity? OfOrGone(int pid)
    {
        TaskFiles process = TaskFiles.OfProcess(pid);
        return process.ReadStat() is { } stat && (!stat.IsDead || process.ListThreads() is { Count: > 1 })
            ? new TargetIdentity(pid, stat.StartTime, SystemFiles.ReadBootId()) : null;
    }

    /// <summary>The process that a snapshot was taken of.</summary>
    public static TargetIdentity Of(SnapshotFacts facts) => new(facts.Pid, facts.StartTime, facts.BootId);

    /// <summary>True while this very process runs.</summary>
    public bool IsAlive => OfOrGone(Pid) == this;
}

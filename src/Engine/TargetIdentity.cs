using Snap.Kernel.Procfs;

namespace Snap.Engine;

/// <summary>Names one process for ever: a pid is given again, a pid with its start time of one boot isn't.</summary>
/// <param name="Pid">The pid.</param>
/// <param name="StartTime">Clock ticks since boot.</param>
/// <param name="BootId">/proc/sys/kernel/random/boot_id.</param>
internal readonly record struct TargetIdentity(int Pid, ulong StartTime, string BootId)
{
    /// <summary>The process that has a pid now; null if none has, or it is a zombie.</summary>
    public static TargetIdentity? OfOrGone(int pid) =>
        TaskFiles.OfProcess(pid).ReadStat() is { IsDead: false } stat ? new TargetIdentity(pid, stat.StartTime, SystemFiles.ReadBootId()) : null;

    /// <summary>The process that a snapshot was taken of.</summary>
    public static TargetIdentity Of(SnapshotFacts facts) => new(facts.Pid, facts.StartTime, facts.BootId);

    /// <summary>True while this very process runs.</summary>
    public bool IsAlive => OfOrGone(Pid) == this;
}

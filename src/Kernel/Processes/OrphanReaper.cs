using Snap.Kernel.Procfs;

namespace Snap.Kernel.Processes;

/// <summary>Reaps children that we didn't start: orphans that became ours (<see cref="OwnProcess.AdoptOrphans"/>).</summary>
/// <remarks>Each by its pid, so that no status is taken away from whoever waits for a child of ours.</remarks>
public static class OrphanReaper
{
    /// <summary>Reaps those that have ended.</summary>
    public static void Reap()
    {
        lock (ChildProcess.Starting)
        {
            foreach (int pid in ProcessTable.ReadChildren(Environment.ProcessId) ?? [])
            {
                if (!ChildProcess.Started.ContainsKey(pid))
                    ChildProcess.Orphan(pid).TryWait(out _);
            }
        }
    }
}

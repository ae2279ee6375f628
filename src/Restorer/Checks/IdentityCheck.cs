using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Restorer.Checks;

/// <summary>Are the pids and tids free, and may we choose them?</summary>
internal static class IdentityCheck
{
    private const int OrphanPatienceMs = 5000;

    public static void Run(SnapshotImage image, TreeShape shape, Obstacles obstacles)
    {
        Errno mayChoose = PidChoice.Probe().Errno;
        if (mayChoose == Errno.EPERM)
            obstacles.Add(ErrorCatalogue.RightMissing, "cannot restore: we may not choose the id of a new process",
                why: "neither CAP_CHECKPOINT_RESTORE nor CAP_SYS_ADMIN", toDo: "run as root, or give one of the two capabilities");
        else if (mayChoose is not (Errno.EEXIST or Errno.None))
            obstacles.Add(ErrorCatalogue.KernelDiffers, "cannot restore: this kernel can't start a process under a chosen id",
                why: $"clone3 with set_tid: {mayChoose}", toDo: "use Linux 5.5 or later, outside a sandbox that forbids clone3");
        long start = Environment.TickCount64;
        IEnumerable<(int Pid, int Tid)> ids = image.Processes.SelectMany(process => process.Threads, (process, thread) => (process.Pid, thread.Tid))
            .Concat(image.Zombies.Select(zombie => (zombie.Pid, zombie.Pid))).Concat(shape.StandIns.Select(standIn => (standIn.Pid, standIn.Pid)));
        foreach ((int pid, int tid) in ids)
        {
            if (FindHolder(tid, start) is { } holder)
                AddTaken(pid, tid, holder, obstacles);
        }
    }

    // The children of a process that was killed are left to process 1 when they have ended, which reaps them in its own time. And an id is free only some time
    // after its process was last seen.
    private static ProcStatus? FindHolder(int tid, long start)
    {
        while (true)
        {
            ProcStatus? holder = TaskFiles.OfProcess(tid).ReadStatus();
            bool mayPass = holder is null ? PidChoice.IsInUse(tid) && FindMember(tid) is null : holder is { State: 'Z', ParentPid: 1 };
            if (!mayPass || Environment.TickCount64 - start > OrphanPatienceMs)
                return holder;
            Thread.Sleep(1);
        }
    }

    private static ProcStat? FindMember(int id) => ProcessTable.ReadAll().FirstOrDefault(stat => stat.ProcessGroup == id || stat.Session == id);

    /// <summary>The error for an id that turned out to be taken only when the kernel was asked for it: as the id of a group or session.</summary>
    public static SnapException TakenByGroup(int tid)
    {
        ProcStat? member = FindMember(tid);
        return new SnapException(ErrorCatalogue.PidTaken, $"cannot restore pid {tid}: the id is in use",
            why: member is null ? "the kernel says EEXIST" : $"it is the id of a process group or session that pid {member.Pid} ({member.Command}) belongs to",
            toDo: member is null ? "try again" : $"end pid {member.Pid} first");
    }

    private static void AddTaken(int pid, int tid, ProcStatus holder, Obstacles obstacles)
    {
        string kind = tid == pid ? "pid" : $"thread {tid} of pid";
        string toDo = holder.State == 'Z'
            ? $"pid {holder.ParentPid}, its parent, has to reap it first"
            : holder.Tgid == pid ? "it may still be the process itself: end it first" : $"end pid {holder.Tgid} first";
        obstacles.Add(ErrorCatalogue.PidTaken, $"cannot restore {kind} {pid}: the id is in use",
            where: $"pid {holder.Tgid} ({holder.Name}), state {holder.State}", why: "a process keeps its ids when it is restored", toDo: toDo);
    }
}

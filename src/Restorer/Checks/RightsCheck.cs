using System.Globalization;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;

namespace Snap.Restorer.Checks;

/// <summary>Have we the rights to give the processes what they had? What we lack, a child of ours can't be given.</summary>
internal static class RightsCheck
{
    private const int CapSetgid = 6, CapSetuid = 7, CapSetpcap = 8, CapSysAdmin = 21, CapSysNice = 23, CapSysResource = 24, CapCheckpointRestore = 40;

    private static readonly string[] _limitNames =
    [
        "cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime",
    ];

    public static void Run(SnapshotImage image, Obstacles obstacles)
    {
        ProcStatus ours = TaskFiles.Self.ReadStatus()!;
        ResourceLimit[] limits = TaskFiles.Self.ReadLimits()!;
        int oomScore = TaskFiles.Self.ReadOomScoreAdjustment() ?? 0;
        if (ours.Seccomp is > 0)
            obstacles.Add(ErrorCatalogue.RightMissing, "cannot restore: we run under a seccomp filter ourselves",
                why: "every process that we start inherits it, for ever", toDo: "restore from outside the sandbox");
        // What chose the pid goes on in the stub, which exec leaves without the capabilities of anybody but root.
        const ulong choosing = (1UL << CapSysAdmin) | (1UL << CapCheckpointRestore);
        if (ours.Uid.Effective != 0 && (ours.AmbientCapabilities & choosing) == 0)
            obstacles.Add(ErrorCatalogue.RightMissing, "cannot restore: we are not root",
                why: "CAP_CHECKPOINT_RESTORE would have to be an ambient capability", toDo: "run as root");
        foreach (ProcessImage process in image.Processes)
        {
            CheckCredentials(process, ours, obstacles);
            CheckLimits(process, ours, limits, obstacles);
            if (process.OomScoreAdjust < oomScore && !Has(ours, CapSysResource))
                obstacles.Add(ErrorCatalogue.RightMissing, $"cannot restore pid {process.Pid}: its out-of-memory score can't be lowered to {process.OomScoreAdjust}",
                    why: $"ours is {oomScore}, and CAP_SYS_RESOURCE is missing");
            CheckScheduling(process, ours, obstacles);
        }
    }

    private static void CheckCredentials(ProcessImage process, ProcStatus ours, Obstacles obstacles)
    {
        CredentialsImage wanted = process.Credentials;
        void Refuse(string what, string why) => obstacles.Add(ErrorCatalogue.RightMissing, $"cannot restore pid {process.Pid}: {what}", why: why);

        ulong tooMuch = (wanted.PermittedCapabilities & ~ours.PermittedCapabilities) | (wanted.BoundingCapabilities & ~ours.BoundingCapabilities);
        if (tooMuch != 0)
            Refuse("it had capabilities that we don't have", $"missing: {Capabilities(tooMuch)}");
        if (ours.NoNewPrivileges && !wanted.NoNewPrivileges)
            Refuse("we may gain no new privileges, and that is inherited", "no_new_privs is set on us, and wasn't on it");
        FourIds uid = ours.Uid, gid = ours.Gid;
        if (!wanted.UserIds.SequenceEqual([uid.Real, uid.Effective, uid.Saved, uid.FileSystem]) && !Has(ours, CapSetuid))
            Refuse($"it ran as user {string.Join('/', wanted.UserIds)}", "CAP_SETUID is missing");
        if ((!wanted.GroupIds.SequenceEqual([gid.Real, gid.Effective, gid.Saved, gid.FileSystem]) || !wanted.Groups.Order().SequenceEqual(ours.Groups.Order()))
            && !Has(ours, CapSetgid))
            Refuse($"it ran as group {string.Join('/', wanted.GroupIds)}", "CAP_SETGID is missing");
        if ((wanted.BoundingCapabilities != ours.BoundingCapabilities || wanted.SecureBits != 0) && !Has(ours, CapSetpcap))
            Refuse("its bounding set or its securebits differ from ours", "CAP_SETPCAP is missing");
    }

    private static void CheckLimits(ProcessImage process, ProcStatus ours, ResourceLimit[] limits, Obstacles obstacles)
    {
        if (Has(ours, CapSysResource))
            return;
        for (int i = 0; i < Math.Min(process.Limits.Count, limits.Length); i++)
        {
            if (process.Limits[i].Maximum > limits[i].Hard)
                obstacles.Add(ErrorCatalogue.RightMissing, $"cannot restore pid {process.Pid}: its hard limit '{_limitNames[i]}' is above ours",
                    why: $"its limit is {Limit(process.Limits[i].Maximum)}, ours {Limit(limits[i].Hard)}, and CAP_SYS_RESOURCE is missing",
                    toDo: $"raise the limit of the shell that restores");
        }

        int highest = process.Descriptors.Count == 0 ? 0 : process.Descriptors[^1].Number;
        if ((ulong)highest >= limits[Sched.RLIMIT_NOFILE].Hard)
            obstacles.Add(ErrorCatalogue.RightMissing, $"cannot restore pid {process.Pid}: fd {highest} lies above our limit",
                why: $"we may open {Limit(limits[Sched.RLIMIT_NOFILE].Hard)} descriptors, and CAP_SYS_RESOURCE is missing");
    }

    private static void CheckScheduling(ProcessImage process, ProcStatus ours, Obstacles obstacles)
    {
        if (Has(ours, CapSysNice))
            return;
        foreach (ThreadImage thread in process.Threads)
        {
            int policy = thread.SchedulingPolicy & ~Sched.SCHED_RESET_ON_FORK;
            if (thread.Nice < 0 || policy is Sched.SCHED_FIFO or Sched.SCHED_RR)
                obstacles.Add(ErrorCatalogue.RightMissing, $"cannot restore pid {process.Pid}: thread {thread.Tid} had a higher priority than we may give",
                    why: $"policy {policy}, nice {thread.Nice}, and CAP_SYS_NICE is missing");
        }
    }

    private static bool Has(ProcStatus ours, int capability) => (ours.EffectiveCapabilities >> capability & 1) != 0;

    private static string Capabilities(ulong mask) =>
        string.Join(", ", Enumerable.Range(0, 64).Where(bit => (mask >> bit & 1) != 0).Select(bit => bit.ToString(CultureInfo.InvariantCulture)));

    private static string Limit(ulong value) => value == ulong.MaxValue ? "unlimited" : value.ToString(CultureInfo.InvariantCulture);
}

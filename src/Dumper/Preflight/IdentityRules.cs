using System.Globalization;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Preflight;

/// <summary>Decides whether a process is of a kind that can be captured at all: whose it is, what it runs, whom it shares with.</summary>
internal static class IdentityRules
{
    /// <summary>The selector of 64-bit user code in cs (__USER_CS).</summary>
    public const ulong LongModeCodeSegment = 0x33;

    private static readonly string[] Namespaces = ["pid", "pid_for_children", "mnt", "user", "net", "ipc", "uts", "time", "time_for_children", "cgroup"];

    /// <summary>What makes all further looks pointless: each is the only finding then.</summary>
    public static SnapException? FindFatal(int pid, ProcStat stat, ProcStatus status)
    {
        TaskFiles process = TaskFiles.OfProcess(pid);
        if (status.Tgid != pid)
            return new SnapException(ErrorCatalogue.TargetIsThread, string.Create(CultureInfo.InvariantCulture, $"{pid} is a thread of process {status.Tgid}, not a process"),
                where: $"/proc/{pid}/status", toDo: string.Create(CultureInfo.InvariantCulture, $"name the process: {status.Tgid}"));
        if (stat.IsKernelThread)
            return Refusal.Of(ErrorCatalogue.TargetIsKernelThread, pid, $"it is a thread of the kernel ({stat.Command})", toDo: "name a process");
        if (pid == 1)
            return Refusal.Of(ErrorCatalogue.TargetIsInit, pid, "it is the first process, on which all others depend", toDo: "name a service's process instead");
        if (IsOurs(pid))
            return Refusal.Of(ErrorCatalogue.TargetIsOurselves, pid, "it is Snap itself", toDo: "name another process");
        if (stat.IsDead)
            return process.ListThreads() is { Count: > 1 }
                ? Refusal.Of(ErrorCatalogue.TargetIsZombie, pid, "its main thread has ended while others run on", $"/proc/{pid}/stat: state {stat.State}",
                    "a main thread that has ended can't be made again", "have the program's main thread wait for the others instead of leaving early")
                : Refusal.Of(ErrorCatalogue.TargetIsZombie, pid, "it has ended, and waits for its parent to reap it", $"/proc/{pid}/stat: state {stat.State}",
                    toDo: string.Create(CultureInfo.InvariantCulture, $"its parent is process {stat.ParentPid}"));
        FileDescriptorAccess(pid, out SnapException? denied);
        return denied;
    }

    /// <summary>All other reasons, read from /proc; nothing is stopped.</summary>
    public static void Check(LiveView view, ProcStat stat, ProcStatus status, List<SnapException> findings)
    {
        int pid = view.Pid;
        if (!view.IsFrozen)
            CheckTracer(pid, status, findings);
        CheckProgram(pid, findings);
        CheckNamespaces(pid, findings);
        CheckSharing(pid, stat.ParentPid, findings);
        // The frozen look sees the threads again, at less cost.
        if (!view.HasSeenThreads)
            CheckThreads(pid, findings);
        if (stat.State == 'T')
            findings.Add(Stopped(pid));
        if (status.ThreadFeatures.Contains("shstk"))
            findings.Add(Refusal.Of(ErrorCatalogue.ThreadUnsupported, pid, "it runs with a shadow stack", $"/proc/{pid}/status: x86_Thread_features",
                "a shadow stack can't be filled from outside", "start it with GLIBC_TUNABLES=glibc.cpu.x86_shstk=off"));
    }

    /// <summary>Stopped by job control.</summary>
    public static SnapException Stopped(int pid) => Refusal.Of(ErrorCatalogue.TargetIsStopped, pid, "it is stopped by a signal (job control)",
        $"/proc/{pid}/stat: state T", toDo: string.Create(CultureInfo.InvariantCulture, $"let it go on: kill -CONT {pid}"));

    /// <summary>Under seccomp.</summary>
    public static SnapException Seccomp(int pid, int tid, int mode) => Refusal.Of(ErrorCatalogue.UnderSeccomp, pid,
        string.Create(CultureInfo.InvariantCulture, $"thread {tid} is under seccomp ({(mode == 1 ? "strict" : "filter")})"),
        string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/task/{tid}/status: Seccomp: {mode}"),
        "calls that capturing needs would be refused, or kill it", "start it without the filter (for a systemd unit: SystemCallFilter=)");

    /// <summary>Not a 64-bit program.</summary>
    public static SnapException NotX64(int pid, string where) =>
        Refusal.Of(ErrorCatalogue.NotX64, pid, "it isn't a 64-bit x86-64 process", where, toDo: "only 64-bit x86-64 programs can be captured");

    /// <summary>No right to trace it.</summary>
    public static SnapException NotPermitted(int pid, Errno errno)
    {
        FourIds? owner = TaskFiles.OfProcess(pid).ReadStatus()?.Uid;
        uint ours = OwnProcess.EffectiveUser;
        string scope = ReadScope();
        (string why, string toDo) = owner is { } ids && ids.Real != ours && ours != 0
            ? (string.Create(CultureInfo.InvariantCulture, $"it belongs to user {ids.Real}, and we run as user {ours}"), "run Snap as that user, or as root")
            : scope is not ("" or "0")
                ? ($"kernel.yama.ptrace_scope is {scope}", "run Snap as root, start the program by `snap run`, or set kernel.yama.ptrace_scope=0")
                : ("it has made itself undumpable, or holds capabilities that we lack", "run Snap as root");
        return new SnapException(ErrorCatalogue.TargetNotPermitted, string.Create(CultureInfo.InvariantCulture, $"process {pid} may not be traced by this user"),
            $"/proc/{pid}/mem: {errno}", why, toDo);
    }

    private static string ReadScope() =>
        ProcfsFile.ReadOrGone("/proc/sys/kernel/yama/ptrace_scope") is { } text ? System.Text.Encoding.ASCII.GetString(text).Trim() : "";

    // The kernel's own check for ptrace is made when memory is opened, and has no effect on the target.
    private static void FileDescriptorAccess(int pid, out SnapException? denied)
    {
        denied = null;
        Errno errno = FileDescriptor.TryOpen($"/proc/{pid}/mem", Fcntl.O_RDWR, 0, out FileDescriptor? memory).Errno;
        memory?.Dispose();
        if (errno is Errno.EACCES or Errno.EPERM)
            denied = NotPermitted(pid, errno);
        else if (errno is Errno.ESRCH or Errno.ENOENT)
            denied = Refusal.NotFound(pid);
    }

    // Ourselves, and the commands of ours that wait for us: stopping them would stop us, or deadlock.
    private static bool IsOurs(int pid)
    {
        if (pid == Environment.ProcessId)
            return true;
        for (int ancestor = Environment.ProcessId; ancestor > 1 && TaskFiles.OfProcess(ancestor).ReadStat() is { } stat; ancestor = stat.ParentPid)
        {
            if (stat.ParentPid == pid)
                return !FileDescriptor.TryStat("/proc/self/exe", out stat ours).IsError && !FileDescriptor.TryStat($"/proc/{pid}/exe", out stat theirs).IsError
                    && (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino);
        }

        return false;
    }

    private static void CheckTracer(int pid, ProcStatus status, List<SnapException> findings)
    {
        if (status.TracerPid == 0)
            return;
        // It is the thread that traces; people know the process.
        int tracer = TaskFiles.OfProcess(status.TracerPid).ReadStatus()?.Tgid ?? status.TracerPid;
        findings.Add(Refusal.Of(ErrorCatalogue.TargetTraced, pid, $"it is traced by {DescribeProcess(tracer)}", $"/proc/{pid}/status: TracerPid",
            "a process has one tracer at a time", "detach the debugger, or end the tracing program"));
    }

    private static void CheckProgram(int pid, List<SnapException> findings)
    {
        TaskFiles process = TaskFiles.OfProcess(pid);
        if (process.ReadElfHeader() is { IsX64: false } header)
            findings.Add(NotX64(pid, string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/exe: ELF class {header.Class}, machine {header.Machine}")));
        CheckLinks(pid, findings);
        if (!FileDescriptor.TryStat($"/proc/{pid}/root", out stat root).IsError && !FileDescriptor.TryStat("/", out stat ours).IsError
            && (root.st_dev, root.st_ino) != (ours.st_dev, ours.st_ino))
            findings.Add(Refusal.Of(ErrorCatalogue.OtherNamespace, pid, "it has another root directory (chroot)",
                $"/proc/{pid}/root -> {process.ReadLinkOrGone("root")}", toDo: "run Snap inside the same root"));
    }

    /// <summary>Adds a finding if its program or its working directory can't be found again.</summary>
    public static void CheckLinks(int pid, List<SnapException> findings)
    {
        CheckLink(pid, "exe", "its program", findings);
        CheckLink(pid, "cwd", "its working directory", findings);
    }

    private static void CheckLink(int pid, string name, string what, List<SnapException> findings)
    {
        string link = $"/proc/{pid}/{name}";
        if (ProcfsFile.ReadLinkOrGone(link) is not { } target || FileDescriptor.TryStat(link, out stat held).IsError)
            return;
        if (FileDescriptor.TryStat(target, out stat found).IsError || (held.st_dev, held.st_ino) != (found.st_dev, found.st_ino))
            findings.Add(Refusal.Of(ErrorCatalogue.FileUnreachable, pid, $"{what} can't be found again by its path", $"{link} -> {target}",
                "it was deleted, replaced, or lies under a later mount", "put it back, or restart the program"));
        else if (!KernelText.IsPlain(target))
            findings.Add(Refusal.Of(ErrorCatalogue.FileUnreachable, pid, $"the name of {what} isn't valid UTF-8", $"{link} -> {target}"));
    }

    private static void CheckNamespaces(int pid, List<SnapException> findings)
    {
        if (TaskFiles.OfProcess(pid).ReadNamespaces() is not { } theirs || TaskFiles.Self.ReadNamespaces() is not { } ours)
            return;
        string[] others = [.. Namespaces.Where(name => theirs.TryGetValue(name, out ulong its) && ours.TryGetValue(name, out ulong own) && its != own)];
        if (others.Length > 0)
            findings.Add(Refusal.Of(ErrorCatalogue.OtherNamespace, pid, $"it lives in another namespace than Snap ({string.Join(", ", others)})", $"/proc/{pid}/ns",
                "a restore would put it into Snap's own", "run Snap in the same container (nsenter), or the program outside of it"));
    }

    private static void CheckSharing(int pid, int parent, List<SnapException> findings)
    {
        foreach ((int resource, string what) in (ReadOnlySpan<(int, string)>)[(Sched.KCMP_VM, "memory"), (Sched.KCMP_FILES, "descriptors"), (Sched.KCMP_FS, "working directory")])
        {
            if (parent > 0 && KernelCompare.Resources(resource, pid, parent).Raw == 0)
                findings.Add(Refusal.Of(ErrorCatalogue.SharesResources, pid, $"it shares its {what} with its parent, {DescribeProcess(parent)}",
                    why: "it was made by vfork, or by clone with CLONE_VM, CLONE_FILES or CLONE_FS", toDo: "try again when it has called exec"));
        }
    }

    private static void CheckThreads(int pid, List<SnapException> findings)
    {
        bool isFiltered = false;
        foreach (int tid in TaskFiles.OfProcess(pid).ListThreads() ?? [])
        {
            TaskFiles thread = TaskFiles.OfThread(pid, tid);
            if (!isFiltered && thread.ReadStatus() is { Seccomp: > 0 and { } mode })
            {
                findings.Add(Seccomp(pid, tid, mode));
                isFiltered = true;
            }

            if (thread.ReadStat() is { SchedulingPolicy: Sched.SCHED_DEADLINE })
                findings.Add(Deadline(pid, tid));
            CheckThreadSharing(pid, tid, findings);
        }
    }

    /// <summary>A thread under SCHED_DEADLINE.</summary>
    public static SnapException Deadline(int pid, int tid) => Refusal.Of(ErrorCatalogue.ThreadUnsupported, pid,
        string.Create(CultureInfo.InvariantCulture, $"thread {tid} is scheduled by SCHED_DEADLINE"), $"/proc/{pid}/task/{tid}/stat", "its bandwidth would have to be reserved again",
        string.Create(CultureInfo.InvariantCulture, $"give it another policy: chrt --other --pid 0 {tid}"));

    /// <summary>Adds a finding if a thread has descriptors or a working directory of its own (unshare, or a bare clone).</summary>
    public static void CheckThreadSharing(int pid, int tid, List<SnapException> findings)
    {
        if (tid == pid)
            return;
        foreach ((int resource, string what) in (ReadOnlySpan<(int, string)>)[(Sched.KCMP_FILES, "descriptors"), (Sched.KCMP_FS, "working directory and umask")])
        {
            if (KernelCompare.Resources(resource, pid, tid).Raw is 1 or 2)
                findings.Add(Refusal.Of(ErrorCatalogue.SharesResources, pid, string.Create(CultureInfo.InvariantCulture, $"thread {tid} has {what} of its own"),
                    $"/proc/{pid}/task/{tid}", "it called unshare, or was made by a bare clone"));
        }
    }

    /// <summary><c>process 4711 (gdb)</c>.</summary>
    public static string DescribeProcess(int pid) =>
        string.Create(CultureInfo.InvariantCulture, $"process {pid} ({TaskFiles.OfProcess(pid).ReadCommand() ?? "gone"})");
}

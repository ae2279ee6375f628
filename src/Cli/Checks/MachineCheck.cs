using System.Globalization;
using System.Text;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Injection;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Kernel.Syscalls;
using Snap.Kernel.Tracking;
using MappingKind = Snap.Kernel.Procfs.MappingKind;

namespace Snap.Cli.Checks;

/// <summary>Probes what this machine allows, each thing by doing it on ourselves; never by the kernel's version.</summary>
internal sealed class MachineCheck
{
    private const int CapSysPtrace = 19, CapSysAdmin = 21, CapSysResource = 24, CapCheckpointRestore = 40;

    private readonly ProcStatus _self;

    private MachineCheck(ProcStatus self) => _self = self;

    /// <summary>Everything probed, in the order it is shown.</summary>
    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>The tracker that a watch would use.</summary>
    public required TrackerKind Tracker { get; init; }

    /// <summary>A process of the same user can be snapshotted.</summary>
    public required bool CanCapture { get; init; }

    /// <summary>A snapshot can be restored under its old pids.</summary>
    public required bool CanRestore { get; init; }

    /// <summary>Probes it all; takes a millisecond.</summary>
    public static MachineCheck Run()
    {
        ProcStatus self = TaskFiles.Self.ReadStatus()
            ?? throw new SnapException(ErrorCatalogue.ProcfsMissing, "cannot look at this machine", "/proc/self/status",
                "/proc isn't mounted, and every snapshot is made from what it says", "mount -t proc proc /proc");
        var probes = new Probes(self);
        Finding[] findings =
        [
            probes.WriteProtect(), probes.PagemapScan(), probes.SoftDirtyBits(), probes.PtraceScope(), probes.TakeDescriptor(),
            probes.VdsoRoom(), probes.ChoosePids(), .. probes.Capabilities(),
        ];
        bool Has(string feature) => findings.Any(finding => finding.Feature == feature && finding.IsPresent);
        return new MachineCheck(self)
        {
            Findings = findings,
            Tracker = Has("write-protect") ? TrackerKind.WriteProtect : Has("soft-dirty") ? TrackerKind.SoftDirty : TrackerKind.Compare,
            CanCapture = Has("ptrace") && Has("vdso-room"),
            CanRestore = Has("choose-pids"),
        };
    }

    private sealed class Probes(ProcStatus self)
    {
        public Finding WriteProtect()
        {
            bool works = Userfaultfd.IsSupported;
            return new Finding("write-protect", works, works ? "userfaultfd WP_ASYNC: a write to our own page was seen" : "userfaultfd WP_ASYNC does not work (Linux 6.7 has it)",
                "pauses grow with the memory of the target instead of with what it wrote");
        }

        public Finding PagemapScan()
        {
            using PageMap map = PageMap.Open(Environment.ProcessId);
            MapsEntry some = FirstMapping();
            SyscallResult scanned = map.TryScan(some.Start, some.Start + 4096, new PageScan { AnyOf = PageCategories.Present, Return = PageCategories.Present },
                new PageRegion[1], out _);
            return new Finding("pagemap-scan", !scanned.IsError, scanned.IsError ? $"PAGEMAP_SCAN: {scanned.Errno} (Linux 6.7 has it)" : "PAGEMAP_SCAN answers",
                "dirty pages are looked for entry by entry: slower, same result");
        }

        public Finding SoftDirtyBits()
        {
            bool works = SoftDirty.IsSupported;
            return new Finding("soft-dirty", works, works ? "a write to our own page set its bit" : "the kernel is built without CONFIG_MEM_SOFT_DIRTY",
                Userfaultfd.IsSupported ? "nothing: write-protect is better and works" : "increments are found by comparing all of memory");
        }

        public Finding PtraceScope()
        {
            string? text = ReadText("/proc/sys/kernel/yama/ptrace_scope");
            bool privileged = Holds(CapSysPtrace);
            int scope = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : 0;
            bool allowed = scope == 0 || (privileged && scope < 3);
            string found = text is null ? "no Yama: the usual rules hold" : $"ptrace_scope is {scope}{(privileged ? ", and we hold CAP_SYS_PTRACE" : "")}";
            return new Finding("ptrace", allowed, found, scope == 3
                ? "no process can be snapshotted until the machine is booted again with ptrace_scope below 3"
                : "only programs started by `snap run` can be snapshotted; as root: echo 0 >/proc/sys/kernel/yama/ptrace_scope");
        }

        public Finding TakeDescriptor()
        {
            using ProcessHandle? ourselves = ProcessHandle.OpenOrGone(Environment.ProcessId);
            (FileDescriptor read, FileDescriptor write) = FileDescriptor.CreatePipe();
            using (read)
            using (write)
            {
                FileDescriptor? taken = null;
                SyscallResult result = ourselves?.TryTakeDescriptor(read.Number, out taken) ?? new SyscallResult(-(long)Errno.ESRCH);
                taken?.Dispose();
                return new Finding("pidfd-getfd", !result.IsError, result.IsError ? $"pidfd_getfd: {result.Errno} (Linux 5.6 has it)" : "a descriptor was taken over",
                    "descriptors of targets can't be looked into, nor written pages tracked");
            }
        }

        public Finding VdsoRoom()
        {
            MapsEntry? vdso = TaskFiles.Self.ReadMaps()!.Where(entry => entry.Kind == MappingKind.Vdso).Select(entry => (MapsEntry?)entry).FirstOrDefault();
            if (vdso is not { } found)
                return new Finding("vdso-room", false, "this process has no [vdso]", "no call can be made inside a target, so nothing can be snapshotted");
            using RemoteMemory memory = RemoteMemory.Open(Environment.ProcessId);
            CodeSlack? slack = InjectionAgent.FindSlack(memory, new RemoteRange(new RemoteAddress(found.Start), found.Length));
            return new Finding("vdso-room", slack is not null, slack is { } room ? $"{room.Length} bytes free behind the code of [vdso]" : "[vdso] is full",
                "no call can be made inside a target in a way that survives our death, so nothing can be snapshotted");
        }

        public Finding ChoosePids()
        {
            SyscallResult answer = PidChoice.Probe();
            bool allowed = answer.Errno == Errno.EEXIST;
            return new Finding("choose-pids", allowed, allowed ? "clone3 with set_tid is allowed" : $"clone3 with set_tid: {answer.Errno}",
                "snapshots can be taken but not restored: that needs root, CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE");
        }

        public IEnumerable<Finding> Capabilities()
        {
            yield return Capability("CAP_SYS_PTRACE", CapSysPtrace, "only processes of the same user can be snapshotted");
            yield return Capability("CAP_SYS_ADMIN", CapSysAdmin, "targets under seccomp can't be snapshotted");
            yield return Capability("CAP_SYS_RESOURCE", CapSysResource, "a restored process can't be given limits above its user's hard ones");
            yield return new Finding("CAP_CHECKPOINT_RESTORE", Holds(CapCheckpointRestore) || Holds(CapSysAdmin),
                Holds(CapCheckpointRestore) ? "held" : Holds(CapSysAdmin) ? "not held, CAP_SYS_ADMIN stands in for it" : "not held",
                "see choose-pids");
        }

        private Finding Capability(string name, int bit, string cost) => new(name, Holds(bit), Holds(bit) ? "held" : "not held", cost);

        private bool Holds(int capability) => (self.EffectiveCapabilities >> capability & 1) != 0;

        private static MapsEntry FirstMapping() => TaskFiles.Self.ReadMaps()!.First(entry => !entry.IsKernelProvided);
    }

    private static string? ReadText(string path) =>
        ProcfsFile.ReadOrGone(path) is { } bytes ? Encoding.ASCII.GetString(bytes).Trim() : null;

    /// <summary>uname release.</summary>
    public static string KernelRelease => ReadText("/proc/sys/kernel/osrelease") ?? "unknown";

    /// <summary>Who asks.</summary>
    public uint UserId => _self.Uid.Effective;
}

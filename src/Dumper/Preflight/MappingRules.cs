using System.Globalization;
using Snap.Dumper.Collect;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;
using Snap.Kernel.Syscalls;
using Snap.Kernel.Tracking;
using MapsKind = Snap.Kernel.Procfs.MappingKind;

namespace Snap.Dumper.Preflight;

/// <summary>Decides which mappings can be captured, and why others can't.</summary>
internal sealed class MappingRules(int pid, MappingFlags flags, FileReach reach, List<SnapException> findings)
{
    private const string KindsLink = "docs/errors.md#S0407 lists what can't be captured";
    private readonly HashSet<string> _reported = [];

    /// <summary>True for shared anonymous memory and memfds, which lie on the kernel's own tmpfs, and for files on any tmpfs that have no name.</summary>
    public static bool IsSharedMemory(in MapsEntry entry) => entry.Inode != 0 && (entry.Device.ToStat() == SharedMemoryDevice.Number
        ? entry.Kind == MapsKind.NamedSharedAnonymous || (entry.Kind == MapsKind.File && (entry.Path == "/dev/zero" || IsMemfd(entry)))
        : TemporaryFiles.IsNameless(entry));

    /// <summary>True for a memfd.</summary>
    public static bool IsMemfd(in MapsEntry entry) => entry.IsDeleted && entry.Path.StartsWith("/memfd:", StringComparison.Ordinal);

    /// <summary>Adds a finding for each mapping, but one for each file.</summary>
    public void Apply(IReadOnlyList<MapsEntry> mappings)
    {
        foreach (MapsEntry entry in mappings)
        {
            if (!entry.IsKernelProvided && !CheckFlags(entry))
                CheckName(entry);
        }
    }

    /// <summary>Adds a finding if pages are guarded by MADV_GUARD_INSTALL, where the kernel can tell (Linux 6.15).</summary>
    public void CheckGuards()
    {
        using PageMap map = PageMap.Open(pid);
        var scan = new PageScan { Mask = PageCategories.Guard, Return = PageCategories.Guard };
        Span<PageRegion> found = stackalloc PageRegion[1];
        SyscallResult scanned = map.TryScan(0, HighestAddress, scan, found, out _);
        if (scanned.Errno is Errno.EINVAL or Errno.ENOTTY or Errno.ESRCH)
            return;
        if (scanned.OrThrow("scan for guard pages of", pid) > 0)
            Add(found[0].ToString(), "has guard pages made by MADV_GUARD_INSTALL", $"{found[0].Start:x}-{found[0].End:x}");
    }

    private const ulong HighestAddress = 0x7FFF_FFFF_F000;

    // The flags say for sure what a mapping is; they may be missing for one that is new.
    private bool CheckFlags(in MapsEntry entry)
    {
        if (flags.Find(entry) is not { } known)
            return false;
        string? what = (known.Flags) switch
        {
            var all when (all & VmFlags.HugeTlb) != 0 => "is memory of huge pages (hugetlb)",
            var all when (all & VmFlags.ShadowStack) != 0 => "is a shadow stack",
            var all when (all & (VmFlags.UffdMissing | VmFlags.UffdMinor)) != 0 => "is served by a userfaultfd",
            var all when (all & (VmFlags.PureFrames | VmFlags.InputOutput | VmFlags.MixedMap)) != 0 && !IsRing(entry) => "is memory of a device",
            var all when (all & VmFlags.SynchronousFault) != 0 => "is mapped straight from persistent memory (MAP_SYNC)",
            _ when known.UnknownFlags.Count > 0 => $"has flags that this version doesn't know ({string.Join(' ', known.UnknownFlags)})",
            // A mapping that may only be executed gets a key from the kernel by itself.
            _ when known.ProtectionKey is > 0 && known.Mapping.Access != MapsAccess.Execute => $"has memory protection key {known.ProtectionKey}",
            _ => null,
        };
        if (what is not null)
            Add(entry.ToString(), what, entry.Name.ToString());
        return what is not null;
    }

    private static bool IsRing(in MapsEntry entry) => entry.Path is "/[aio]" or "anon_inode:[io_uring]";

    private void CheckName(in MapsEntry entry)
    {
        if (entry.Kind == MapsKind.OtherSpecial)
            Add(entry.ToString(), $"is {entry.Name}", entry.Name.ToString());
        if (TemporaryFiles.IsNameless(entry) && FileReach.LookThroughMapping(pid, entry) is not { st_nlink: 0 })
            AddFile(entry, "it was deleted under this name, and has another", "put the file back");
        if (entry.Kind is not (MapsKind.File or MapsKind.NamedSharedAnonymous) || IsSharedMemory(entry) || IsPrivateZero(entry))
            return;
        string? what = entry.Path switch
        {
            "/[aio]" => "is a ring of asynchronous I/O (io_setup)",
            "anon_inode:[io_uring]" => "is a ring of io_uring",
            ['/', 'S', 'Y', 'S', 'V', ..] when entry.IsDeleted => "is System V shared memory",
            "/anon_hugepage" => "is memory of huge pages (hugetlb)",
            ['/', ..] => null,
            _ => "is memory of a device or of a kernel object",
        };
        if (what is not null)
            Add(entry.ToString(), what, entry.Name.ToString());
        else
            CheckFile(entry);
    }

    // A private mapping of /dev/zero is anonymous memory under another name.
    private static bool IsPrivateZero(in MapsEntry entry) => !entry.IsShared && entry.Path == "/dev/zero";

    private void CheckFile(in MapsEntry entry)
    {
        string name = entry.Name.ToString();
        if (!KernelText.IsPlain(name))
        {
            AddFile(entry, "its name isn't valid UTF-8", "rename the file, and restart the program");
        }
        else if (reach.PathOf(pid, entry) is not { } path)
        {
            AddFile(entry, entry.IsDeleted ? "it was deleted, or replaced, since it was mapped" : "another file, or none, has its name now",
                "a restore maps files by path; restart the program (an upgrade replaces libraries under running programs), or put the file back");
        }
        else if (reach.Look(path) is { } found && ((int)found.st_mode & Stat.S_IFMT) != Stat.S_IFREG)
        {
            Add(entry.ToString(), "is memory of a device", name);
        }
    }

    private void Add(string where, string what, string key)
    {
        if (_reported.Add(key))
            findings.Add(Refusal.Of(ErrorCatalogue.MemoryUnsupported, pid,
                string.Create(CultureInfo.InvariantCulture, $"memory at {where[..Math.Max(0, where.IndexOf(' ', StringComparison.Ordinal))]} {what}"),
                $"/proc/{pid}/maps: {where}", "its contents or its link to the kernel can't be brought back", "have the program unmap it before the snapshot; " + KindsLink));
    }

    private void AddFile(in MapsEntry entry, string why, string toDo)
    {
        string name = entry.Name.ToString();
        if (_reported.Add(name))
            findings.Add(Refusal.Of(ErrorCatalogue.FileUnreachable, pid, $"the mapped file {entry.Path} can't be found again by its path",
                $"/proc/{pid}/maps: {entry}", why, toDo));
    }
}

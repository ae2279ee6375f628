using System.Globalization;
using Snap.Dumper.Collect;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Preflight;

/// <summary>Decides for every open file description what capturing makes of it, and why not.</summary>
internal sealed class DescriptorRules(DescriptorTable table, FileReach reach, TreeView tree, List<SnapException> findings)
{
    private const string BetweenMembers = "processes of the tree use it between themselves";
    private const string KindsLink = "docs/errors.md#S0409 lists the kinds that can be captured";

    /// <summary>Fills in <see cref="OpenDescription.Class"/> everywhere, and adds a finding for each description that can't be captured.</summary>
    public void Apply()
    {
        foreach (OpenDescription description in table.Descriptions)
        {
            if (description.Original is { } original)
                (description.Class, description.StandardNumber) = (original.Class, original.StandardNumber);
            else
                description.Class = Classify(description);
            CheckLocks(description);
        }
    }

    private DescriptionClass Classify(OpenDescription description)
    {
        OpenDescriptor one = description.First;
        if ((one.Info.Flags & Fcntl.O_PATH) != 0 && (one.Target.Kind != DescriptorKind.Path || one.FileType is not (Stat.S_IFREG or Stat.S_IFDIR)))
            return Unsupported(one, "was opened with O_PATH, as a mere name for something that is no file or directory");
        return one.Target.Kind switch
        {
            DescriptorKind.Pipe => ClassifyPipe(description),
            DescriptorKind.Socket => ClassifySocket(description),
            DescriptorKind.PseudoTerminal => Outside(description, $"terminal {one.Target.Name}"),
            DescriptorKind.Memfd when one.Stat.st_dev == SharedMemoryDevice.Number => DescriptionClass.Memfd,
            DescriptorKind.Memfd => Unsupported(one, "is a memfd of huge pages, or a deleted file"),
            DescriptorKind.Path when TemporaryFiles.IsNameless(one.Target, one.Stat) => DescriptionClass.Memfd,
            DescriptorKind.Path => ClassifyPath(description),
            DescriptorKind.AnonymousInode => ClassifyAnonymous(one),
            DescriptorKind.PseudoTerminalMaster => Unsupported(one, "is the master side of a pseudo terminal"),
            DescriptorKind.Namespace => Unsupported(one, $"is an open {one.Target.Name} namespace"),
            _ => Unsupported(one, $"is {one.Target.Text}"),
        };
    }

    private DescriptionClass ClassifyAnonymous(OpenDescriptor one) => one.Target.Name switch
    {
        "eventfd" => DescriptionClass.Event,
        "eventpoll" => DescriptionClass.Epoll,
        "timerfd" => DescriptionClass.Timer,
        "signalfd" => DescriptionClass.SignalQueue,
        "inotify" => Unsupported(one, "is an inotify queue"),
        "fanotify" => Unsupported(one, "is a fanotify group"),
        "io_uring" => Unsupported(one, "is an io_uring"),
        "userfaultfd" => Unsupported(one, "is a userfaultfd of its own"),
        "pidfd" => Unsupported(one, "is a pidfd"),
        "perf_event" => Unsupported(one, "is a perf event counter"),
        "seccomp notify" => Unsupported(one, "is a seccomp notification queue"),
        { } name when name.StartsWith("bpf", StringComparison.Ordinal) => Unsupported(one, $"is a BPF object ({name})"),
        { } name => Unsupported(one, $"is of the kind {name}"),
    };

    private DescriptionClass ClassifyPath(OpenDescription description)
    {
        OpenDescriptor one = description.First;
        switch (one.FileType)
        {
            case Stat.S_IFREG or Stat.S_IFDIR:
                return ClassifyFile(one);
            case Stat.S_IFIFO:
                return Outside(description, $"the named pipe {one.Target.Name}", tree.Ends.IsClosedNamed(one.Object) ? BetweenMembers : null);
            case Stat.S_IFCHR:
                DeviceNumber device = DeviceNumber.FromStat(one.Stat.st_rdev);
                if (device.Major == 1 && device.Minor is 3 or 5 or 7 or 8 or 9)
                    return reach.Look(one.Target.Text) is { } node && node.st_rdev == one.Stat.st_rdev ? DescriptionClass.Device : Unreachable(one);
                return IsTerminal(device) ? Outside(description, $"terminal {one.Target.Name}") : Unsupported(one, $"is the device {one.Target.Name} ({device})");
            case Stat.S_IFBLK:
                return Unsupported(one, $"is the block device {one.Target.Name}");
            default:
                return Unsupported(one, $"is {one.Target.Text}, a file of type {one.FileType:x}");
        }
    }

    private DescriptionClass ClassifyFile(OpenDescriptor one)
    {
        if (!KernelText.IsPlain(one.Target.Text))
        {
            findings.Add(Refusal.Of(ErrorCatalogue.FileUnreachable, table.Pid, $"fd {one.Number} has a file name that isn't valid UTF-8", Where(one),
                toDo: "rename the file, and have the program open it anew"));
            return DescriptionClass.Refused;
        }

        return reach.PathOf(one.Target.Text, one.Stat) is null ? Unreachable(one) : DescriptionClass.File;
    }

    private DescriptionClass ClassifyPipe(OpenDescription description)
    {
        ulong inode = description.First.Target.Number;
        bool isClosed = tree.Ends.IsClosed(inode);
        int holder = isClosed ? tree.OutsideHolderOf(inode) : 0;
        if (isClosed && holder == 0)
            return DescriptionClass.Pipe;
        // What a child has as stdin or stdout was often made by its parent, and is still to be read when the writer has ended; the root's is from outside.
        if (!isClosed && !tree.Ends.IsRootStandard(description.First.Object) && PipeEnds.IsOtherClosed(table.Pid, description.First))
            return DescriptionClass.Pipe;
        string other = holder == 0 ? "whose other end lies outside" : string.Create(CultureInfo.InvariantCulture, $"that process {holder} has open too");
        return Outside(description, "a pipe " + other, isClosed ? BetweenMembers : null);
    }

    private DescriptionClass ClassifySocket(OpenDescription description)
    {
        OpenDescriptor one = description.First;
        if (tree.Ends.IsRootStandard(one.Object))
            return Outside(description, "a socket");
        SocketDescription? socket = SocketTable.ReadOrGone(TaskFiles.OfProcess(table.Pid))?.Find(one.Target.Number);
        // Who has the other end of a unix socket isn't told.
        return Outside(description, socket is null ? "a socket" : $"a socket ({socket})",
            socket?.Protocol is null or "unix" && tree.Members.Count > 1 ? "its other end may be inside the tree" : null);
    }

    // What processes of the tree use between themselves can't be given to the restorer instead, unless the root itself got it from outside.
    private DescriptionClass Outside(OpenDescription description, string what, string? inside = null)
    {
        OpenDescriptor one = description.First;
        bool isStandard = tree.Ends.TryFindStandard(one.Object, out int number);
        if (isStandard && (inside is null || tree.Ends.IsRootStandard(one.Object)))
        {
            description.StandardNumber = number;
            return DescriptionClass.External;
        }

        string why = isStandard ? inside! : "it isn't its stdin, stdout or stderr";
        findings.Add(Refusal.Of(ErrorCatalogue.DescriptorOutside, table.Pid,
            string.Create(CultureInfo.InvariantCulture, $"fd {one.Number} is {what}, and {why}"), Where(one),
            "who is at its other end can't be brought back to the same state",
            "have the program close it before the snapshot"));
        return DescriptionClass.Refused;
    }

    private DescriptionClass Unsupported(OpenDescriptor one, string what)
    {
        findings.Add(Refusal.Of(ErrorCatalogue.DescriptorUnsupported, table.Pid, string.Create(CultureInfo.InvariantCulture, $"fd {one.Number} {what}"),
            Where(one), "its state in the kernel can't be read back", "have the program close it before the snapshot; " + KindsLink));
        return DescriptionClass.Refused;
    }

    private DescriptionClass Unreachable(OpenDescriptor one)
    {
        string why = one.Target.IsDeleted ? "it was deleted, or never had a name" : "another file, or none, has its name now";
        findings.Add(Refusal.Of(ErrorCatalogue.FileUnreachable, table.Pid,
            string.Create(CultureInfo.InvariantCulture, $"fd {one.Number} is a file that its path no longer leads to"), Where(one), why,
            "a restore opens files by path; have the program close it, or put the file back"));
        return DescriptionClass.Refused;
    }

    private void CheckLocks(OpenDescription description)
    {
        foreach (FileLock held in description.First.Info.Locks)
        {
            bool known = held.Kind is FileLockKind.Flock or FileLockKind.Posix or FileLockKind.OpenFileDescription;
            if (known && description.Class is DescriptionClass.File or DescriptionClass.Refused)
                continue;
            findings.Add(Refusal.Of(ErrorCatalogue.LockUnsupported, table.Pid,
                string.Create(CultureInfo.InvariantCulture, $"fd {description.First.Number} holds a {(known ? "lock on something that isn't a file" : held.KindText.ToLowerInvariant())}"),
                Where(description.First), $"{held.KindText} {held.State} {held.Mode}", "have the program release it before the snapshot"));
        }
    }

    private static bool IsTerminal(DeviceNumber device) => device is { Major: 4 or (>= 136 and <= 143) or 204 or 229 } or { Major: 5, Minor: not 2 };

    private string Where(OpenDescriptor one) => string.Create(CultureInfo.InvariantCulture, $"/proc/{table.Pid}/fd/{one.Number} -> {one.Target.Text}");
}

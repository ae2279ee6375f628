using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Collect;

/// <content>Making the image after the thaw.</content>
internal sealed partial class TreeCollector
{
    /// <summary>Makes the image of what <see cref="CollectFrozen"/> took; the members may run, or be gone.</summary>
    /// <param name="members">As they were collected.</param>
    /// <param name="zombies">Those that had ended.</param>
    /// <param name="spaces">Gives the spaces their ids.</param>
    /// <param name="tracker">What found the dirty pages.</param>
    /// <exception cref="SnapException">S0408: a mapped file was replaced since.</exception>
    public SnapshotImage Build(IReadOnlyList<StateCollector> members, IReadOnlyList<ZombieImage> zombies, ISpaceIds spaces, TrackerKind tracker)
    {
        var notices = new List<string>();
        _files.Clear();
        ProcessImage[] processes = [.. members.Select(member => member.BuildProcess(spaces, _files, notices))];
        List<DescriptionImage> descriptions = [.. _view.Descriptions.All.Select(one => BuildDescription(one.Description, spaces, notices))];
        if (!SystemFiles.HasTimers)
            notices.Add("this kernel doesn't list timers made by timer_create; if the program has any, they are not in the snapshot");
        return new SnapshotImage
        {
            Version = ImageCodec.CurrentVersion,
            Host = HostFacts.ToImage(members[0].ExtendedStateLength),
            Tracker = tracker,
            Processes = processes,
            Zombies = zombies,
            Spaces =
            [
                .. processes.Select(process => new SpaceImage { Id = process.Space, Kind = SpaceKind.AddressSpace, Pid = process.Pid }),
                .. _sharedObjects.Select(shared => BuildSpace(shared, spaces)),
            ],
            Descriptions = descriptions,
            Files = _files.ToImages(),
            Pipes = [.. _pipes],
            Notices = notices,
        };
    }

    private static SpaceImage BuildSpace(SharedObject shared, ISpaceIds spaces) => new()
    {
        Id = spaces.SharedObject(shared.Device, shared.Inode),
        Kind = shared.Kind,
        Device = shared.Device,
        Inode = shared.Inode,
        Length = shared.Length,
        Name = shared.Name,
        Seals = shared.Seals,
        Mode = shared.Mode,
    };

    private DescriptionImage BuildDescription(OpenDescription open, ISpaceIds spaces, List<string> notices)
    {
        OpenDescriptor one = open.First;
        int id = open.Id, flags = (int)one.StatusFlags;
        DescriptionImage image = open.Class switch
        {
            DescriptionClass.File => new FileDescription
            {
                Id = id, Flags = flags, Position = one.Info.Position, IsDirectory = one.FileType == Stat.S_IFDIR, Locks = BuildLocks(open),
                File = _files.Add(one.Target.Text, one.Stat, isMapped: false, isWritable: one.CanWrite),
            },
            DescriptionClass.Device => new DeviceDescription { Id = id, Flags = flags, Path = one.Target.Text, DeviceNumber = one.Stat.st_rdev },
            DescriptionClass.Pipe => new PipeDescription { Id = id, Flags = flags, Pipe = _pipes.Find(pipe => pipe.Inode == one.Target.Number)!.Id },
            DescriptionClass.Memfd => new MemfdDescription { Id = id, Flags = flags, Space = spaces.SharedObject(one.Stat.st_dev, one.Stat.st_ino), Position = one.Info.Position },
            DescriptionClass.Event => BuildEvent(id, flags, one, notices),
            DescriptionClass.Epoll => new EpollDescription
            {
                Id = id, Flags = flags,
                Entries = [.. one.Info.Epoll.Select((entry, i) => new EpollEntryImage(entry.Descriptor, entry.Events, entry.Data, _epollTargets[id][i]))],
            },
            DescriptionClass.Timer => BuildTimer(id, flags, one.Info.Timer!),
            DescriptionClass.SignalQueue => new SignalDescription { Id = id, Flags = flags, Mask = one.Info.SignalMask ?? 0 },
            DescriptionClass.External => BuildExternal(open, notices),
            _ => throw new InvalidOperationException($"fd {one.Number} was refused and can't be in an image"),
        };
        return image with { OwnerPid = open.OwnerPid, OwnerType = open.OwnerType, OwnerSignal = open.OwnerSignal };
    }

    // A lock of fcntl(2) belongs to a process, and shows only there; the others belong to the description, and show in every process that has it.
    private static List<LockImage> BuildLocks(OpenDescription open) =>
        [.. open.Aliases.Prepend(open).SelectMany(one => one.First.Info.Locks).Select(BuildLock).Distinct()];

    private static LockImage BuildLock(FileLock held) => new(
        held.Kind switch { FileLockKind.Flock => LockType.Flock, FileLockKind.Posix => LockType.Posix, _ => LockType.OpenFileDescription },
        held.IsExclusive, (long)held.Start, held.Kind == FileLockKind.Flock || held.ReachesEnd ? 0 : (long)(held.Last - held.Start + 1),
        held.Kind == FileLockKind.Posix ? held.Pid : 0);

    private static EventDescription BuildEvent(int id, int flags, OpenDescriptor one, List<string> notices)
    {
        EventDescriptor counter = one.Info.Event!;
        if (counter.IsSemaphore is null)
            notices.Add($"this kernel doesn't tell whether eventfd {one.Number} is a semaphore (EFD_SEMAPHORE); it is recorded as none");
        return new EventDescription { Id = id, Flags = flags, Count = counter.Count, IsSemaphore = counter.IsSemaphore ?? false };
    }

    private static TimerDescription BuildTimer(int id, int flags, TimerDescriptor timer) => new()
    {
        Id = id,
        Flags = flags,
        Clock = timer.Clock,
        Ticks = timer.Ticks,
        SettimeFlags = (int)timer.SettimeFlags,
        RemainingNanoseconds = (timer.ValueSeconds * 1_000_000_000) + timer.ValueNanoseconds,
        IntervalNanoseconds = (timer.IntervalSeconds * 1_000_000_000) + timer.IntervalNanoseconds,
    };

    private static ExternalDescription BuildExternal(OpenDescription open, List<string> notices)
    {
        if (open.Extra > 0)
            notices.Add($"{open.Extra} unread bytes of fd {open.First.Number} ({open.First.Target.Text}), which leads outside, are not in the snapshot");
        return new ExternalDescription { Id = open.Id, Flags = (int)open.First.StatusFlags, StandardNumber = open.StandardNumber, Target = ImageText.Of(open.First.Target.Text) };
    }
}

using Snap.Dumper.Preflight;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;
using ImageKind = Snap.Image.MappingKind;
using MapsKind = Snap.Kernel.Procfs.MappingKind;

namespace Snap.Dumper.Collect;

/// <content>Making the image after the thaw.</content>
public sealed partial class StateCollector
{
    /// <summary>Makes the image of what <see cref="CollectFrozen"/> took; the target may run, or be gone.</summary>
    /// <param name="spaces">Gives the spaces their ids.</param>
    /// <param name="tracker">What found the dirty pages.</param>
    /// <exception cref="SnapException">S0408: a mapped file was replaced since.</exception>
    public SnapshotImage Build(ISpaceIds spaces, TrackerKind tracker)
    {
        var notices = new List<string>();
        _files.Clear();
        MappingFlags? later = null;
        List<MappingImage> mappings = BuildMappings(spaces, ref later, notices);
        List<DescriptionImage> descriptions = [.. _descriptors.Descriptions.Select(description => BuildDescription(description, spaces, notices))];
        if (!SystemFiles.HasTimers)
            notices.Add("this kernel doesn't list timers made by timer_create; if the program has any, they are not in the snapshot");
        SpaceId space = spaces.AddressSpace(_target.Pid);
        ProcessImage process = BuildProcess(space, mappings);
        return new SnapshotImage
        {
            Version = ImageCodec.CurrentVersion,
            Host = HostFacts.ToImage(_threads[0].ExtendedStateLength),
            Tracker = tracker,
            Processes = [process],
            Spaces = [new SpaceImage { Id = space, Kind = SpaceKind.AddressSpace, Pid = _target.Pid }, .. _sharedObjects.Objects.Select(shared => BuildSpace(shared, spaces))],
            Descriptions = descriptions,
            Files = _files.ToImages(),
            Pipes = [.. _pipes],
            Notices = notices,
        };
    }

    private ProcessImage BuildProcess(SpaceId space, List<MappingImage> mappings)
    {
        ProcStatus status = _target.Statuses.First;
        return new ProcessImage
        {
            Pid = _target.Pid,
            ParentPid = _stat.ParentPid,
            ProcessGroup = _stat.ProcessGroup,
            Session = _stat.Session,
            StartTime = _target.StartTime,
            ExitSignal = _stat.ExitSignal,
            Executable = AddFile(_executable, isMapped: true),
            CommandLine = _commandLine,
            WorkingDirectory = _workingDirectory,
            Umask = (int)(status.Umask ?? 0),
            Dumpable = _process.Dumpable,
            Personality = _process.Personality,
            IsSubreaper = _process.IsSubreaper,
            HugePagesDisabled = _process.HugePagesDisabled,
            CoredumpFilter = _coredumpFilter,
            OomScoreAdjust = _oomScoreAdjust,
            MembarrierRegistrations = _process.Membarriers,
            Credentials = new CredentialsImage
            {
                UserIds = [status.Uid.Real, status.Uid.Effective, status.Uid.Saved, status.Uid.FileSystem],
                GroupIds = [status.Gid.Real, status.Gid.Effective, status.Gid.Saved, status.Gid.FileSystem],
                Groups = [.. status.Groups],
                InheritableCapabilities = status.InheritableCapabilities,
                PermittedCapabilities = status.PermittedCapabilities,
                EffectiveCapabilities = status.EffectiveCapabilities,
                BoundingCapabilities = status.BoundingCapabilities,
                AmbientCapabilities = status.AmbientCapabilities,
                NoNewPrivileges = status.NoNewPrivileges,
                SecureBits = _process.SecureBits,
            },
            Limits = [.. _process.Limits],
            MemoryLayout = new MemoryLayoutImage
            {
                StartCode = _stat.StartCode,
                EndCode = _stat.EndCode,
                StartData = _stat.StartData,
                EndData = _stat.EndData,
                StartBreak = _stat.StartBreak,
                Break = _process.Break,
                StartStack = _stat.StartStack,
                ArgumentsStart = _stat.ArgumentsStart,
                ArgumentsEnd = _stat.ArgumentsEnd,
                EnvironmentStart = _stat.EnvironmentStart,
                EnvironmentEnd = _stat.EnvironmentEnd,
                AuxiliaryVector = _auxiliaryVector,
            },
            Space = space,
            Mappings = mappings,
            SignalActions = [.. _process.Actions],
            PendingSignals = _pending,
            Threads = [.. _threads.Take(_threadCount).Select(thread => thread.ToImage()).OrderBy(thread => thread.Tid == _target.Pid ? 0 : 1)],
            Descriptors = [.. _descriptors.Descriptions
                .SelectMany(description => description.Descriptors, (description, one) => new DescriptorImage(one.Number, one.Info.IsCloseOnExec, description.Id))
                .OrderBy(descriptor => descriptor.Number)],
            IntervalTimers = [.. _process.IntervalTimers.Where(timer => timer.RemainingMicroseconds != 0 || timer.IntervalMicroseconds != 0)],
            PosixTimers = [.. _timers.Select(timer => timer.Image)],
        };
    }

    private List<MappingImage> BuildMappings(ISpaceIds spaces, ref MappingFlags? later, List<string> notices)
    {
        var images = new List<MappingImage>(_mappings.Count);
        int unknown = 0;
        foreach (MapsEntry entry in _mappings)
        {
            SmapsEntry? flags = _live.Flags.Find(entry);
            if (flags is null && !entry.IsKernelProvided)
            {
                // It came into being between the live look and the freeze; most likely it still is what it was.
                if (later is null)
                {
                    later = new MappingFlags();
                    later.TryRead(_target.Pid);
                }

                flags = later.Find(entry);
                unknown += flags is null ? 1 : 0;
            }

            images.Add(BuildMapping(entry, flags, spaces));
        }

        if (unknown > 0)
            notices.Add($"{unknown} mappings existed too briefly for their madvise and mlock settings to be read; they are recorded without any");
        return images;
    }

    private MappingImage BuildMapping(in MapsEntry entry, SmapsEntry? flags, ISpaceIds spaces)
    {
        VmFlags words = flags?.Flags ?? VmFlags.None;
        ImageKind kind = KindOf(entry, words);
        return new MappingImage
        {
            Start = entry.Start,
            End = entry.End,
            Protection = (int)(entry.Access & (MapsAccess.Read | MapsAccess.Write | MapsAccess.Execute)),
            IsShared = entry.IsShared,
            Kind = kind,
            SharedSpace = kind == ImageKind.SharedMemory ? spaces.SharedObject(entry.Device.ToStat(), entry.Inode) : null,
            File = kind == ImageKind.File ? AddMappedFile(entry, words) : null,
            Offset = kind is ImageKind.File or ImageKind.SharedMemory ? entry.Offset : 0,
            MayWrite = flags is null ? entry.IsWritable || !entry.IsShared : (words & VmFlags.MayWrite) != 0,
            AnonymousName = entry.Name.Label is { } label ? ImageText.Of(label) : null,
            Traits = TraitsOf(words),
        };
    }

    private static ImageKind KindOf(in MapsEntry entry, VmFlags flags) => entry.Kind switch
    {
        MapsKind.Vdso => ImageKind.Vdso,
        MapsKind.Vvar or MapsKind.VvarVclock => ImageKind.Vvar,
        MapsKind.Vsyscall => ImageKind.Vsyscall,
        MapsKind.Stack => ImageKind.Stack,
        _ when MappingRules.IsSharedMemory(entry) => ImageKind.SharedMemory,
        // A private mapping of /dev/zero is anonymous memory.
        MapsKind.File when entry.Path != "/dev/zero" => ImageKind.File,
        _ => (flags & VmFlags.GrowsDown) != 0 ? ImageKind.Stack : ImageKind.Anonymous,
    };

    private static readonly (VmFlags Word, MappingTraits Trait)[] Traits =
    [
        (VmFlags.GrowsDown, MappingTraits.GrowsDown), (VmFlags.NoReserve, MappingTraits.NoReserve), (VmFlags.HugePageAdvised, MappingTraits.HugePage),
        (VmFlags.NoHugePageAdvised, MappingTraits.NoHugePage), (VmFlags.DontDump, MappingTraits.DontDump), (VmFlags.DontCopyOnFork, MappingTraits.DontFork),
        (VmFlags.WipeOnFork, MappingTraits.WipeOnFork), (VmFlags.Locked, MappingTraits.Locked), (VmFlags.Mergeable, MappingTraits.Mergeable),
        (VmFlags.RandomRead, MappingTraits.RandomRead), (VmFlags.SequentialRead, MappingTraits.SequentialRead), (VmFlags.Sealed, MappingTraits.Sealed),
        (VmFlags.LockOnFault, MappingTraits.LockedOnFault), (VmFlags.Accounted, MappingTraits.Accounted),
    ];

    private static MappingTraits TraitsOf(VmFlags flags) =>
        Traits.Aggregate(MappingTraits.None, (traits, row) => (flags & row.Word) != 0 ? traits | row.Trait : traits);

    private int AddMappedFile(in MapsEntry entry, VmFlags flags)
    {
        string path = _live.Reach.PathOf(_target.Pid, entry)
            ?? throw Refusal.Of(ErrorCatalogue.FileUnreachable, _target.Pid, $"the mapped file {entry.Path} can't be found again by its path", entry.ToString(),
                "it was replaced while the snapshot was taken", "restart the program");
        return _files.Add(path, _live.Reach.Look(path)!.Value, isMapped: true, isWritable: entry.IsShared && (entry.IsWritable || (flags & VmFlags.MayWrite) != 0));
    }

    private int AddFile(string path, bool isMapped)
    {
        stat found = _live.Reach.Look(path) ?? throw Refusal.Of(ErrorCatalogue.FileUnreachable, _target.Pid, $"its program {path} can't be found again by its path",
            why: "it was deleted while the snapshot was taken", toDo: "restart the program");
        return _files.Add(path, found, isMapped, isWritable: false);
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
                Id = id, Flags = flags, Position = one.Info.Position, IsDirectory = one.FileType == Stat.S_IFDIR, Locks = [.. one.Info.Locks.Select(BuildLock)],
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

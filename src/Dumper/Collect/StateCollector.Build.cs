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
    public SnapshotImage Build(ISpaceIds spaces, TrackerKind tracker) => _tree.Build([this], [], spaces, tracker);

    /// <summary>Bytes of XSTATE.</summary>
    internal int ExtendedStateLength => _threads[0].ExtendedStateLength;

    /// <summary>The image of this process.</summary>
    internal ProcessImage BuildProcess(ISpaceIds spaces, FileCatalogue files, List<string> notices)
    {
        MappingFlags? later = null;
        List<MappingImage> mappings = BuildMappings(spaces, files, ref later, notices);
        return BuildProcess(spaces.AddressSpace(_target.Pid), mappings, files);
    }

    private ProcessImage BuildProcess(SpaceId space, List<MappingImage> mappings, FileCatalogue files)
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
            Executable = AddFile(_executable, files),
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

    private List<MappingImage> BuildMappings(ISpaceIds spaces, FileCatalogue files, ref MappingFlags? later, List<string> notices)
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

            images.Add(BuildMapping(entry, flags, spaces, files));
        }

        if (unknown > 0)
            notices.Add($"{unknown} mappings existed too briefly for their madvise and mlock settings to be read; they are recorded without any");
        return images;
    }

    private MappingImage BuildMapping(in MapsEntry entry, SmapsEntry? flags, ISpaceIds spaces, FileCatalogue files)
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
            File = kind == ImageKind.File ? AddMappedFile(entry, words, files) : null,
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

    private int AddMappedFile(in MapsEntry entry, VmFlags flags, FileCatalogue files)
    {
        string path = _live.Reach.PathOf(_target.Pid, entry)
            ?? throw Refusal.Of(ErrorCatalogue.FileUnreachable, _target.Pid, $"the mapped file {entry.Path} can't be found again by its path", entry.ToString(),
                "it was replaced while the snapshot was taken", "restart the program");
        return files.Add(path, _live.Reach.Look(path)!.Value, isMapped: true, isWritable: entry.IsShared && (entry.IsWritable || (flags & VmFlags.MayWrite) != 0));
    }

    private int AddFile(string path, FileCatalogue files)
    {
        stat found = _live.Reach.Look(path) ?? throw Refusal.Of(ErrorCatalogue.FileUnreachable, _target.Pid, $"its program {path} can't be found again by its path",
            why: "it was deleted while the snapshot was taken", toDo: "restart the program");
        return files.Add(path, found, isMapped: true, isWritable: false);
    }
}

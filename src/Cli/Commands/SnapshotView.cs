using System.Buffers.Binary;
using System.Globalization;
using Snap.Cli.Output;
using Snap.Image;
using Snap.Store;

namespace Snap.Cli.Commands;

/// <summary>Takes a snapshot apart for show.</summary>
internal sealed class SnapshotView
{
    // struct user_regs_struct: orig_rax, rip, rsp by their place among its 27 words.
    private const int OrigRaxOffset = 15 * 8, RipOffset = 16 * 8, RspOffset = 19 * 8;

    private readonly SnapshotImage _image;
    private readonly Dictionary<int, DescriptionImage> _descriptions;
    private readonly Dictionary<SpaceId, SpaceImage> _spaces;
    private readonly Dictionary<SpaceId, PageRange[]> _pages;

    private SnapshotView(SnapshotContent content, SnapshotImage image)
    {
        _image = image;
        _descriptions = image.Descriptions.ToDictionary(description => description.Id);
        _spaces = image.Spaces.ToDictionary(space => space.Id);
        _pages = content.Spaces.ToDictionary(space => space, space => content.Runs(space).Select(run => run.Range).ToArray());
    }

    /// <summary>Reads its image and counts its pages.</summary>
    public static ShowJson Of(SnapshotContent content, IReadOnlyList<string> tags)
    {
        SnapshotImage image = ImageCodec.Decode(content.ReadImage());
        var view = new SnapshotView(content, image);
        return new ShowJson
        {
            Snapshot = SnapshotJson.Of(content.Info),
            Tags = tags,
            Kernel = image.Host.KernelRelease,
            Pages = view._pages.Values.Sum(runs => runs.Sum(run => (long)run.Count)),
            Processes = [.. image.Processes.Select(view.Process)],
            Zombies = [.. image.Zombies.Select(zombie => new ShowZombieJson { Pid = zombie.Pid, ParentPid = zombie.ParentPid, Name = zombie.Name, Status = zombie.Status })],
            Files = [.. image.Files.Select(File)],
            Notices = image.Notices,
        };
    }

    private ShowProcessJson Process(ProcessImage process) => new()
    {
        Pid = process.Pid,
        ParentPid = process.ParentPid,
        Command = process.CommandLine,
        Executable = PathOf(process.Executable),
        WorkingDirectory = process.WorkingDirectory,
        UserId = process.Credentials.UserIds.ElementAtOrDefault(1),
        Threads = [.. process.Threads.Select(Thread)],
        Mappings = [.. process.Mappings.Select(mapping => Mapping(process, mapping))],
        Descriptors = [.. process.Descriptors.Select(Descriptor)],
    };

    private static ShowThreadJson Thread(ThreadImage thread)
    {
        long call = (long)Register(thread, OrigRaxOffset);
        return new ShowThreadJson
        {
            Tid = thread.Tid,
            Name = thread.Name,
            InstructionPointer = Hex(Register(thread, RipOffset)),
            StackPointer = Hex(Register(thread, RspOffset)),
            Syscall = call >= 0 ? call : null,
            BlockedSignals = Hex(thread.SignalMask),
            PendingSignals = thread.PendingSignals.Count,
        };
    }

    private static ulong Register(ThreadImage thread, int offset) =>
        thread.Registers.Length >= offset + 8 ? BinaryPrimitives.ReadUInt64LittleEndian(thread.Registers.AsSpan(offset)) : 0;

    private ShowMappingJson Mapping(ProcessImage process, MappingImage mapping)
    {
        PageRange[] runs = _pages.GetValueOrDefault(mapping.SharedSpace ?? process.Space, []);
        PageRange own = mapping.SharedSpace is null
            ? PageRange.FromBytes(mapping.Start, mapping.End)
            : PageRange.FromBytes(mapping.Offset, mapping.Offset + (mapping.End - mapping.Start));
        string text = mapping.ToString();
        return new ShowMappingJson
        {
            Start = Hex(mapping.Start),
            End = Hex(mapping.End),
            Access = text[^4..],
            Kind = CliJson.Word(mapping.Kind),
            Name = NameOf(mapping),
            Offset = mapping.Offset,
            Pages = CountWithin(runs, own),
        };
    }

    private static long CountWithin(PageRange[] runs, PageRange range)
    {
        // Runs ascend: skip those before by binary search, then add what overlaps.
        int low = 0, high = runs.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (runs[middle].End <= range.First)
                low = middle + 1;
            else
                high = middle;
        }

        long count = 0;
        for (; low < runs.Length && runs[low].First < range.End; low++)
            count += (long)(Math.Min(runs[low].End, range.End) - Math.Max(runs[low].First, range.First));
        return count;
    }

    private string NameOf(MappingImage mapping) => mapping.Kind switch
    {
        MappingKind.File => mapping.File is { } file ? PathOf(file) : "",
        MappingKind.SharedMemory => mapping.SharedSpace is { } space ? NameOf(space) : "shared",
        MappingKind.Stack => "[stack]",
        MappingKind.Vdso => "[vdso]",
        MappingKind.Vvar => "[vvar]",
        MappingKind.Vsyscall => "[vsyscall]",
        _ => mapping.AnonymousName is { } name ? $"[anon:{name}]" : "",
    };

    private string NameOf(SpaceId id) => _spaces.GetValueOrDefault(id) switch
    {
        { Kind: SpaceKind.Memfd, Name: { } name } => $"memfd:{name}",
        { Kind: SpaceKind.SharedAnonymous } => $"shared anonymous, {id}",
        _ => id.ToString(),
    };

    private ShowDescriptorJson Descriptor(DescriptorImage descriptor)
    {
        DescriptionImage description = _descriptions[descriptor.Description];
        (string kind, string target, long? position) = description switch
        {
            FileDescription file => (file.IsDirectory ? "directory" : "file", PathOf(file.File), file.Position),
            DeviceDescription device => ("device", device.Path, null),
            PipeDescription pipe => ("pipe", Pipe(pipe.Pipe), (long?)null),
            MemfdDescription memfd => ("memfd", NameOf(memfd.Space), memfd.Position),
            EventDescription counter => ("eventfd", string.Create(CultureInfo.InvariantCulture, $"count {counter.Count}"), null),
            EpollDescription epoll => ("epoll", string.Create(CultureInfo.InvariantCulture, $"{epoll.Entries.Count} watched"), null),
            TimerDescription timer => ("timerfd", timer.RemainingNanoseconds == 0 ? "disarmed" : $"fires in {Sizes.Microseconds((long)(timer.RemainingNanoseconds / 1000))}", null),
            SignalDescription signals => ("signalfd", $"mask {Hex(signals.Mask)}", null),
            ExternalDescription outside => ("external", outside.Target, null),
            _ => (description.GetType().Name, "", null),
        };
        return new ShowDescriptorJson
        {
            Fd = descriptor.Number,
            Kind = kind,
            Target = target,
            Access = (description.Flags & 3) switch { 0 => "r", 1 => "w", _ => "rw" },
            Position = position,
            CloseOnExec = descriptor.CloseOnExec,
        };
    }

    private string Pipe(int id) =>
        _image.Pipes.FirstOrDefault(pipe => pipe.Id == id) is { } found
            ? string.Create(CultureInfo.InvariantCulture, $"pipe {id}, {found.Content.Length} bytes unread") : $"pipe {id}";

    private string PathOf(int file) => file >= 0 && file < _image.Files.Count ? _image.Files[file].Path : "?";

    private static ShowFileJson File(FileImage file) => new()
    {
        Path = file.Path,
        Length = file.Length,
        Modified = DateTimeOffset.FromUnixTimeMilliseconds(file.ModifiedNanoseconds / 1_000_000),
        BuildId = file.BuildId,
        Mapped = file.IsMapped,
    };

    private static string Hex(ulong value) => value.ToString("x", CultureInfo.InvariantCulture);
}

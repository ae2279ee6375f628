using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Memory;
using Snap.Restorer.Checks;
using Snap.Restorer.Memory;

namespace Snap.Restorer.Descriptors;

/// <summary>The memfds of a snapshot, and the anonymous memory that several processes share, made and filled in our own process before anything is started.</summary>
/// <remarks>
/// Anonymous memory has no name to map it by a second time. But what we map ourselves can be opened by way of /proc/self/map_files, and so be passed on. What
/// one process alone maps it makes itself (<see cref="Building.MemoryCalls"/>), which needs no rights.
/// </remarks>
internal sealed class SharedObjects : IDisposable
{
    private readonly Dictionary<SpaceId, FileDescriptor> _files = [];
    private readonly List<MappedMemory> _mapped = [];
    private readonly Dictionary<SpaceId, FileDescriptor> _readOnly = [];
    private readonly List<SpaceImage> _spaces = [];

    public IEnumerable<FileDescriptor> All => _files.Values.Concat(_readOnly.Values);

    public FileDescriptor this[SpaceId space] => _files[space];

    /// <summary>True for what is mapped by a descriptor of ours.</summary>
    public bool HasFile(SpaceId space) => _files.ContainsKey(space);

    /// <summary>The descriptor to map it by: one opened for reading only, where the original mapping could never become writable.</summary>
    public FileDescriptor For(MappingImage mapping) => mapping.MayWrite || !mapping.IsShared ? _files[mapping.SharedSpace!.Value] : ReadOnly(mapping.SharedSpace!.Value);

    public void Create(SnapshotImage image, Obstacles obstacles)
    {
        CreateAnonymous(image, obstacles);
        foreach (SpaceImage space in image.Spaces.Where(space => space.Kind == SpaceKind.Memfd))
        {
            FileDescriptor memfd = FileDescriptor.CreateMemfd(space.Name ?? "", Mman.MFD_ALLOW_SEALING);
            _files.Add(space.Id, memfd);
            _spaces.Add(space);
            memfd.Truncate(space.Length);
        }

        foreach (MappingImage mapping in image.Processes.SelectMany(process => process.Mappings)
            .Where(mapping => mapping is { Kind: MappingKind.SharedMemory, IsShared: true, MayWrite: false } && HasFile(mapping.SharedSpace!.Value)))
            ReadOnly(mapping.SharedSpace!.Value);
    }

    private void CreateAnonymous(SnapshotImage image, Obstacles obstacles)
    {
        ILookup<SpaceId, ProcessImage> users = image.Processes
            .SelectMany(process => process.Mappings.Where(mapping => mapping.SharedSpace is not null).Select(mapping => (Space: mapping.SharedSpace!.Value, Process: process)))
            .Distinct().ToLookup(use => use.Space, use => use.Process);
        foreach (SpaceImage space in image.Spaces.Where(space => space.Kind == SpaceKind.SharedAnonymous && users[space.Id].Count() > 1))
        {
            bool isReserved = users[space.Id].SelectMany(process => process.Mappings)
                .All(mapping => mapping.SharedSpace != space.Id || (mapping.Traits & MappingTraits.NoReserve) == 0);
            MappedMemory memory = MappedMemory.SharedAnonymous((space.Length + PageRange.PageSize - 1) & ~(ulong)(PageRange.PageSize - 1), isReserved);
            _mapped.Add(memory);
            string link = $"/proc/self/map_files/{memory.Address:x}-{memory.Address + memory.Length:x}";
            Errno errno = FileDescriptor.TryOpen(link, Fcntl.O_RDWR, 0, out FileDescriptor? opened).Errno;
            if (opened is null)
            {
                obstacles.Add(ErrorCatalogue.RightMissing, "cannot restore memory that several processes share", where: link,
                    why: errno.ToString(), toDo: "run as root, or with CAP_CHECKPOINT_RESTORE, outside a user namespace");
                continue;
            }

            _files.Add(space.Id, opened);
            _spaces.Add(space);
        }
    }

    /// <summary>Writes the contents, sparsely, and sets all seals but those that need the mappings to exist first.</summary>
    public void Fill(IPageSource pages)
    {
        foreach (SpaceImage space in _spaces)
        {
            FileDescriptor memfd = _files[space.Id];
            foreach ((PageRange range, bool isZero) in pages.Runs(space.Id))
            {
                if (!isZero)
                    WriteRun(pages, space, memfd, range);
            }

            if (space.Kind != SpaceKind.Memfd)
                continue;
            // The mode first: a seal may forbid changing it.
            if (space.Mode != 0)
                KernelObject.TryChangeMode(memfd, space.Mode & 0xFFF).OrThrow("fchmod of a memfd");
            AddSeals(memfd, SealsBeforeMapping(space.Seals));
        }
    }

    /// <summary>Sets the seals that are left: those that forbid new writable mappings but not the ones that exist.</summary>
    public void Finish()
    {
        foreach (SpaceImage space in _spaces.Where(space => space.Kind == SpaceKind.Memfd))
            AddSeals(_files[space.Id], space.Seals & ~SealsBeforeMapping(space.Seals));
    }

    public void Dispose()
    {
        foreach (FileDescriptor file in All)
            file.Dispose();
        _mapped.ForEach(memory => memory.Dispose());
    }

    private static int SealsBeforeMapping(int seals) =>
        (seals & Fcntl.F_SEAL_FUTURE_WRITE) != 0 ? seals & ~(Fcntl.F_SEAL_FUTURE_WRITE | Fcntl.F_SEAL_SEAL) : seals;

    // A memfd that was made without MFD_ALLOW_SEALING has just F_SEAL_SEAL, like one that was sealed by hand: adding it to ours comes to the same.
    private static void AddSeals(FileDescriptor memfd, int seals)
    {
        if (seals != 0)
            memfd.TryControl(Fcntl.F_ADD_SEALS, (ulong)seals).OrThrow("seal a memfd");
    }

    private static void WriteRun(IPageSource pages, SpaceImage space, FileDescriptor memfd, PageRange range)
    {
        using MappedMemory buffer = MappedMemory.Anonymous(PageFiller.ChunkPages * PageRange.PageSize);
        for (ulong page = range.First; page < range.End; page += PageFiller.ChunkPages)
        {
            int length = (int)(Math.Min(PageFiller.ChunkPages, range.End - page) * PageRange.PageSize);
            pages.ReadPages(space.Id, page, buffer.Slice(0, length));
            ulong offset = page << PageRange.PageShift;
            ReadOnlySpan<byte> rest = buffer.Slice(0, (int)Math.Min((ulong)length, space.Length > offset ? space.Length - offset : 0));
            while (!rest.IsEmpty)
            {
                int written = (int)memfd.TryWriteAt(offset, rest).OrThrow("write a memfd");
                rest = rest[written..];
                offset += (ulong)written;
            }
        }
    }

    private FileDescriptor ReadOnly(SpaceId space)
    {
        if (!_readOnly.TryGetValue(space, out FileDescriptor? opened))
            _readOnly.Add(space, opened = FileDescriptor.Open($"/proc/self/fd/{_files[space].Number}", Fcntl.O_RDONLY));
        return opened;
    }
}

using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Restorer.Memory;

namespace Snap.Restorer.Building;

/// <summary>The address space: what is mapped where, its advice, and which pages are to be written to it.</summary>
internal sealed class MemoryCalls(RestorePlan plan, ProcessImage process, InheritedMemory? inherited, InheritedDescriptors descriptors, CallList calls)
{
    private const int ReadWrite = Mman.PROT_READ | Mman.PROT_WRITE;

    private static readonly (MappingTraits Trait, int Advice)[] _advice =
    [
        (MappingTraits.HugePage, Mman.MADV_HUGEPAGE),
        (MappingTraits.NoHugePage, Mman.MADV_NOHUGEPAGE),
        (MappingTraits.DontDump, Mman.MADV_DONTDUMP),
        (MappingTraits.DontFork, Mman.MADV_DONTFORK),
        (MappingTraits.WipeOnFork, Mman.MADV_WIPEONFORK),
        (MappingTraits.Mergeable, Mman.MADV_MERGEABLE),
        (MappingTraits.RandomRead, Mman.MADV_RANDOM),
        (MappingTraits.SequentialRead, Mman.MADV_SEQUENTIAL),
    ];

    // Shared anonymous objects, each mapped whole for the time of building: the process's own mappings are made from this one.
    private readonly Dictionary<SpaceId, RemoteRange> _objects = [];

    private IEnumerable<MappingImage> OwnMappings =>
        process.Mappings.Where(mapping => mapping.Kind is not (MappingKind.Vdso or MappingKind.Vvar or MappingKind.Vsyscall));

    /// <summary>Unmaps all that the stub was started with (its program, stack, vdso) or has from its parent, but <paramref name="keep"/> and what is inherited.</summary>
    public void Clear(RemoteRange keep)
    {
        ulong at = 0;
        foreach (RemoteRange kept in (inherited?.Ranges ?? []).Append(keep).OrderBy(range => range.Start.Value))
        {
            if (kept.Start.Value > at)
                calls.Call("unmapping the stub", SyscallNumber.munmap, at, kept.Start.Value - at);
            at = kept.End.Value;
        }

        if (at < AddressLayout.End)
            calls.Call("unmapping the stub", SyscallNumber.munmap, at, AddressLayout.End - at);
    }

    public void Map(AddressLayout layout)
    {
        foreach (SpaceImage space in SharedAnonymousSpaces())
            MapObject(space, layout);
        foreach (MappingImage mapping in OwnMappings)
        {
            if (inherited is not null && inherited.TryFind(mapping, out RemoteRange kept))
            {
                // A heap that has grown since the fork: one mapping it was, and only a growing one merges with what was inherited.
                if (mapping.End > kept.End.Value)
                    calls.CallFor((long)mapping.Start, $"growing {mapping}", SyscallNumber.mremap, mapping.Start, kept.Length, mapping.End - mapping.Start);
                continue;
            }

            MapOne(mapping);
            Advise(mapping);
        }

        MappingImage? vdso = process.Mappings.FirstOrDefault(mapping => mapping.Kind is MappingKind.Vdso or MappingKind.Vvar);
        if (vdso is not null)
            calls.Call("mapping the vdso", SyscallNumber.arch_prctl, Prctl.ARCH_MAP_VDSO_64, vdso.Start);
    }

    /// <summary>After the contents: final protections, locks in memory, and the end of the objects' own mappings.</summary>
    public void Finish()
    {
        foreach (MappingImage mapping in OwnMappings.Where(WasWritable))
            calls.Call($"protecting {mapping}", SyscallNumber.mprotect, mapping.Start, mapping.End - mapping.Start, (ulong)mapping.Protection);
        foreach (MappingImage mapping in OwnMappings)
        {
            if ((mapping.Traits & MappingTraits.Locked) != 0)
                calls.Call($"locking {mapping} in memory", SyscallNumber.mlock2, mapping.Start, mapping.End - mapping.Start,
                    (mapping.Traits & MappingTraits.LockedOnFault) != 0 ? (ulong)Mman.MLOCK_ONFAULT : 0);
        }

        foreach (RemoteRange range in _objects.Values)
            calls.Call("unmapping shared memory", SyscallNumber.munmap, range.Start.Value, range.Length);
    }

    /// <summary>mseal(2), after which nothing about a mapping can be changed any more.</summary>
    public void Seal()
    {
        foreach (MappingImage mapping in OwnMappings.Where(mapping => (mapping.Traits & MappingTraits.Sealed) != 0))
            calls.Call($"sealing {mapping}", SyscallNumber.mseal, mapping.Start, mapping.End - mapping.Start);
    }

    /// <summary>Drops pages of the parent's that the process doesn't have.</summary>
    public void DropSurplus(IPageSource pages)
    {
        foreach (PageRange run in inherited?.Surplus(pages) ?? [])
            calls.Call($"dropping inherited pages {run}", SyscallNumber.madvise, run.First << PageRange.PageShift, run.Count << PageRange.PageShift, Mman.MADV_DONTNEED);
    }

    /// <summary>Lists the pages to be written.</summary>
    public void AddPages(IPageSource pages, PageFiller filler)
    {
        foreach ((SpaceId space, RemoteRange range) in _objects)
        {
            foreach ((PageRange run, bool isZero) in pages.Runs(space))
            {
                if (!isZero)
                    filler.Add(space, run, range.Start.Value + (run.First << PageRange.PageShift), isWritable: true);
            }
        }

        MappingImage[] mappings = [.. OwnMappings.Where(mapping => !mapping.IsShared)];
        int at = 0;
        foreach ((PageRange run, bool isZero) in pages.Runs(process.Space))
        {
            ulong start = run.First << PageRange.PageShift, end = run.End << PageRange.PageShift;
            while (at < mappings.Length && mappings[at].End <= start)
                at++;
            // What lies in no private mapping, a left-over of one that is gone, has no place to go to.
            for (int i = at; i < mappings.Length && mappings[i].Start < end; i++)
                AddPages(filler, mappings[i], Math.Max(start, mappings[i].Start), Math.Min(end, mappings[i].End), isZero);
        }
    }

    private void AddPages(PageFiller filler, MappingImage mapping, ulong start, ulong end, bool isZero)
    {
        // New anonymous memory is zero already; in a mapping of a file, zeros are content.
        if (isZero && mapping.Kind is MappingKind.Anonymous or MappingKind.Stack)
            return;
        bool isWritable = (mapping.Protection & Mman.PROT_WRITE) != 0 || WasWritable(mapping);
        ulong keptEnd = inherited is not null && inherited.TryFind(mapping, out RemoteRange kept) ? Math.Clamp(kept.End.Value, start, end) : start;
        filler.Add(process.Space, PageRange.FromBytes(start, keptEnd), start, isWritable, isZero, isInherited: true);
        filler.Add(process.Space, PageRange.FromBytes(keptEnd, end), keptEnd, isWritable, isZero);
    }

    private IEnumerable<SpaceImage> SharedAnonymousSpaces()
    {
        var used = process.Mappings.Where(mapping => mapping.SharedSpace is not null).Select(mapping => mapping.SharedSpace!.Value).ToHashSet();
        return plan.Image.Spaces.Where(space => space.Kind == SpaceKind.SharedAnonymous && used.Contains(space.Id) && !plan.Objects.HasFile(space.Id));
    }

    private void MapObject(SpaceImage space, AddressLayout layout)
    {
        ulong length = (space.Length + PageRange.PageSize - 1) & ~(ulong)(PageRange.PageSize - 1);
        RemoteRange range = layout.TryTake(length)
            ?? throw CallList.Failure(process.Pid, "mapping shared memory", $"the address space has no hole of {length} bytes");
        _objects.Add(space.Id, range);
        bool noReserve = process.Mappings.Any(mapping => mapping.SharedSpace == space.Id && (mapping.Traits & MappingTraits.NoReserve) != 0);
        calls.CallFor((long)range.Start.Value, "mapping shared memory", SyscallNumber.mmap, range.Start.Value, length, ReadWrite,
            (ulong)(Mman.MAP_SHARED | Mman.MAP_ANONYMOUS | Mman.MAP_FIXED_NOREPLACE | (noReserve ? Mman.MAP_NORESERVE : 0)), ulong.MaxValue);
    }

    private void MapOne(MappingImage mapping)
    {
        ulong length = mapping.End - mapping.Start, protection = (ulong)mapping.Protection;
        int flags = Mman.MAP_FIXED_NOREPLACE | (mapping.IsShared ? Mman.MAP_SHARED : Mman.MAP_PRIVATE);
        if ((mapping.Traits & MappingTraits.NoReserve) != 0)
            flags |= Mman.MAP_NORESERVE;
        if ((mapping.Traits & MappingTraits.GrowsDown) != 0 || mapping.Kind == MappingKind.Stack)
            flags |= Mman.MAP_GROWSDOWN;
        ulong file = ulong.MaxValue, offset = 0;
        switch (mapping.Kind)
        {
            case MappingKind.File:
                (file, offset) = (descriptors.NumberOf(plan.Files[mapping]), mapping.Offset);
                break;
            case MappingKind.SharedMemory when plan.Objects.HasFile(mapping.SharedSpace!.Value):
                (file, offset) = (descriptors.NumberOf(plan.Objects.For(mapping)), mapping.Offset);
                break;
            case MappingKind.SharedMemory:
                MapPartOfObject(mapping);
                return;
            default:
                flags |= Mman.MAP_ANONYMOUS;
                break;
        }

        calls.CallFor((long)mapping.Start, $"mapping {mapping}", SyscallNumber.mmap, mapping.Start, length,
            WasWritable(mapping) ? protection | Mman.PROT_WRITE : protection, (ulong)flags, file, offset);
    }

    // The kernel counts private memory from when it first is writable, stops counting what loses that while still empty, and never merges mappings
    // that differ in this. So such a mapping is writable until it is filled, as it was in its first life.
    private static bool WasWritable(MappingImage mapping) =>
        !mapping.IsShared && (mapping.Traits & MappingTraits.Accounted) != 0 && (mapping.Protection & Mman.PROT_WRITE) == 0;

    // mremap(2) of zero bytes of a shared mapping makes a second one of the same object; so parts, and the same part twice, are possible.
    private void MapPartOfObject(MappingImage mapping)
    {
        ulong length = mapping.End - mapping.Start;
        calls.CallFor((long)mapping.Start, $"mapping {mapping}", SyscallNumber.mremap, (_objects[mapping.SharedSpace!.Value].Start + mapping.Offset).Value,
            0, length, Mman.MREMAP_MAYMOVE | Mman.MREMAP_FIXED, mapping.Start);
        if (mapping.Protection != ReadWrite)
            calls.Call($"protecting {mapping}", SyscallNumber.mprotect, mapping.Start, length, (ulong)mapping.Protection);
    }

    private void Advise(MappingImage mapping)
    {
        ulong length = mapping.End - mapping.Start;
        if (mapping.Traits != MappingTraits.None)
        {
            foreach ((MappingTraits trait, int advice) in _advice)
            {
                if ((mapping.Traits & trait) != 0)
                    calls.Call($"madvise({trait}) of {mapping}", SyscallNumber.madvise, mapping.Start, length, (ulong)advice);
            }
        }

        if (mapping.AnonymousName is { } name)
        {
            calls.Room(1, 96);
            calls.Call($"naming {mapping}", SyscallNumber.prctl, Prctl.PR_SET_VMA, Prctl.PR_SET_VMA_ANON_NAME, mapping.Start, length, calls.PutText(name));
        }
    }
}

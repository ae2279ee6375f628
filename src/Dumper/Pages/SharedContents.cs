using System.Globalization;
using Snap.Dumper.Collect;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Syscalls;

namespace Snap.Dumper.Pages;

/// <summary>The contents of shared-memory objects, given whole at every checkpoint: a write to them by descriptor, or by a process outside, shows in no page table of the target.</summary>
/// <remarks>
/// Read through a description of our own, opened anew from /proc, because the one that pidfd_getfd gives shares its file offset with the target.
/// Only extents that hold data are read: a runtime's memfd may be 24 GiB with 3 MiB of data.
/// </remarks>
internal sealed class SharedContents(ProcessHandle process) : IDisposable
{
    private readonly Dictionary<(ulong Device, ulong Inode), FileDescriptor> _opened = [];
    private readonly List<(SpaceId Space, FileDescriptor File, PageRange Range)> _found = [];
    private readonly HashSet<(ulong Device, ulong Inode)> _seen = [];
    private readonly HashSet<SpaceId> _spaces = [];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (FileDescriptor file in _opened.Values)
            file.Dispose();
        _opened.Clear();
    }

    /// <summary>Finds the extents that hold data, with every thread standing still.</summary>
    /// <returns>Pages to copy.</returns>
    public ulong ScanFrozen(IReadOnlyList<SharedObject> objects, ISpaceIds ids)
    {
        _found.Clear();
        _seen.Clear();
        _spaces.Clear();
        ulong pages = 0;
        foreach (SharedObject shared in objects)
        {
            FileDescriptor file = Open(shared);
            SpaceId space = ids.SharedObject(shared.Device, shared.Inode);
            _spaces.Add(space);
            pages += FindData(file, space, shared.Length);
        }

        foreach ((ulong, ulong) gone in _opened.Keys.Where(key => !_seen.Contains(key)).ToList())
        {
            _opened[gone].Dispose();
            _opened.Remove(gone);
        }

        return pages;
    }

    /// <summary>Copies what <see cref="ScanFrozen"/> found.</summary>
    /// <returns>Bytes used from <paramref name="offset"/> on.</returns>
    public ulong CopyFrozen(MappedMemory into, ulong offset, List<SpaceRun> runs)
    {
        ulong start = offset;
        foreach ((SpaceId space, FileDescriptor file, PageRange range) in _found)
        {
            CopyRange(file, range, into, offset);
            runs.Add(new SpaceRun(space, range));
            offset += range.Count << PageRange.PageShift;
        }

        return offset - start;
    }

    /// <summary>After the thaw, before the pages of the pause: what is not among them is a hole.</summary>
    public void PublishFrozen(IPageSink sink)
    {
        foreach (SpaceId space in _spaces)
            sink.PublishDrop(space, new PageRange(0, 1UL << 52));
    }

    private static void CopyRange(FileDescriptor file, PageRange range, MappedMemory into, ulong offset)
    {
        ulong at = range.First << PageRange.PageShift;
        ulong end = range.End << PageRange.PageShift;
        while (at < end)
        {
            Span<byte> room = into.Slice(offset, (int)Math.Min(end - at, 1 << 20));
            int got = (int)file.TryReadAt(at, room).OrThrow("read shared memory");
            if (got == 0)
            {
                // The object ends within its last page.
                room.Clear();
                got = room.Length;
            }

            at += (ulong)got;
            offset += (ulong)got;
        }
    }

    private ulong FindData(FileDescriptor file, SpaceId space, ulong length)
    {
        ulong pages = 0;
        long at = 0;
        while (at < (long)length)
        {
            SyscallResult data = file.TrySeek(at, Fcntl.SEEK_DATA);
            if (data.Errno == Errno.ENXIO)
                break;
            long start = data.OrThrow("look for data of shared memory");
            long end = Math.Min(file.TrySeek(start, Fcntl.SEEK_HOLE).OrThrow("look for holes of shared memory"), (long)length);
            var range = PageRange.FromBytes((ulong)start, ((ulong)end + PageRange.PageSize - 1) & ~(ulong)(PageRange.PageSize - 1));
            _found.Add((space, file, range));
            pages += range.Count;
            at = end;
        }

        return pages;
    }

    private FileDescriptor Open(SharedObject shared)
    {
        (ulong, ulong) key = (shared.Device, shared.Inode);
        _seen.Add(key);
        if (_opened.TryGetValue(key, out FileDescriptor? known))
            return known;
        FileDescriptor opened = OpenByDescriptor(shared) ?? OpenByMapping(shared) ?? throw new SnapException(ErrorCatalogue.CheckpointFailed,
            $"cannot read shared memory of process {process.Pid}",
            where: $"object {shared.Device:x}:{shared.Inode}, mapped at {shared.Mapping}",
            why: "neither a descriptor nor /proc/PID/map_files gives access to it",
            toDo: "run snap as root, or with CAP_CHECKPOINT_RESTORE, which map_files needs");
        _opened.Add(key, opened);
        return opened;
    }

    private FileDescriptor? OpenByDescriptor(SharedObject shared)
    {
        if (shared.Descriptor < 0 || process.TryTakeDescriptor(shared.Descriptor, out FileDescriptor? taken).IsError)
            return null;
        using (taken)
            return TryOpen(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{taken!.Number}"), shared);
    }

    private FileDescriptor? OpenByMapping(SharedObject shared) => shared.Mapping is not { } mapping ? null
        : TryOpen(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Pid}/map_files/{mapping.Start:x}-{mapping.End:x}"), shared);

    private static FileDescriptor? TryOpen(string path, SharedObject shared)
    {
        if (FileDescriptor.TryOpen(path, Fcntl.O_RDONLY, 0, out FileDescriptor? opened).IsError)
            return null;
        if (opened!.Stat().st_ino == shared.Inode)
            return opened;
        opened.Dispose();
        return null;
    }
}

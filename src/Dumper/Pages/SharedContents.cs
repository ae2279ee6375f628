using System.Globalization;
using Snap.Dumper.Collect;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Memory;

namespace Snap.Dumper.Pages;

/// <summary>
/// The contents of shared-memory objects. All of it is read at every checkpoint and compared by sums with what was given before: a write to it by descriptor, or
/// by a process outside, shows in no page table of the target. Only pages that differ are copied.
/// </summary>
/// <remarks>
/// Read through a description of our own, opened anew by way of /proc, because one that pidfd_getfd gives shares its file offset with the target.
/// Only extents that hold data are read: a runtime's memfd may be 24 GiB with 3 MiB of data. What a freeze would have much to copy of is given before, live.
/// </remarks>
internal sealed class SharedContents : IDisposable
{
    private const ulong BufferLength = 1 << 20;

    private readonly Dictionary<SpaceId, SharedPages> _spaces = [];
    private MappedMemory? _buffer;

    private MappedMemory Buffer
    {
        get
        {
            if (_buffer is null)
            {
                _buffer = MappedMemory.Anonymous(BufferLength);
                _buffer.Populate(0, BufferLength);
            }

            return _buffer;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Forget();
        _buffer?.Dispose();
    }

    /// <summary>Starts an interval.</summary>
    public void Begin()
    {
        foreach (SharedPages pages in _spaces.Values)
            pages.Begin();
    }

    /// <summary>All that was given in the interval under way was given in full.</summary>
    public bool IsFull => _spaces.Values.All(pages => pages.IsFull);

    /// <summary>A freeze would have much to copy.</summary>
    public bool WantsLivePass => _spaces.Values.Any(pages => pages.WantsLivePass);

    /// <summary>Gives what would be much to copy in the freeze, while the target runs.</summary>
    /// <param name="objects">As just seen; some may be gone by now.</param>
    /// <param name="ids">Gives the spaces their ids.</param>
    /// <param name="sink">Where the pages go.</param>
    /// <returns>Pages given.</returns>
    public ulong LivePass(IReadOnlyList<SharedObject> objects, SpaceTable ids, IPageSink sink)
    {
        ulong copied = 0;
        foreach (SharedObject shared in objects)
        {
            SharedPages? pages = FindOrOpen(shared, ids.Reserve(shared.Device, shared.Inode));
            if (pages is { WantsLivePass: true })
                copied += pages.LivePass(shared.Length, sink, Buffer);
        }

        return copied;
    }

    /// <summary>Finds the pages that differ, with every thread standing still.</summary>
    /// <returns>Pages to copy.</returns>
    public ulong ScanFrozen(IReadOnlyList<SharedObject> objects, ISpaceIds ids)
    {
        foreach (SharedPages known in _spaces.Values)
            known.IsSeen = false;
        ulong pages = 0;
        foreach (SharedObject shared in objects)
        {
            SharedPages found = FindOrOpen(shared, ids.SharedObject(shared.Device, shared.Inode)) ?? throw Unreachable(shared);
            found.IsSeen = true;
            pages += found.ScanFrozen(shared, Buffer);
        }

        return pages;
    }

    /// <summary>Copies what <see cref="ScanFrozen"/> found.</summary>
    /// <returns>Bytes used from <paramref name="offset"/> on.</returns>
    public ulong CopyFrozen(MappedMemory into, ulong offset, List<SpaceRun> runs)
    {
        ulong start = offset;
        foreach (SharedPages pages in Seen())
            offset += pages.CopyFrozen(into, offset, runs);
        return offset - start;
    }

    /// <summary>After the thaw, before the pages of the pause: what is a hole now, and what was given live of objects that are gone.</summary>
    public void PublishFrozen(IPageSink sink)
    {
        foreach (SharedPages pages in _spaces.Values)
        {
            if (pages.IsSeen)
                pages.PublishFrozen(sink);
            else
                sink.PublishRemoved(pages.Space);
        }
    }

    /// <summary>The interval is complete: what wasn't seen in its freeze is gone.</summary>
    public void End(ulong interval)
    {
        foreach (SharedPages gone in _spaces.Values.Where(pages => !pages.IsSeen).ToList())
        {
            _spaces.Remove(gone.Space);
            gone.Dispose();
        }

        foreach (SharedPages pages in _spaces.Values)
            pages.End(interval);
    }

    /// <inheritdoc cref="OwedPages.Abandon"/>
    public void Abandon()
    {
        foreach (SharedPages pages in _spaces.Values)
            pages.Abandon();
    }

    /// <inheritdoc cref="OwedPages.Committed"/>
    public void Committed(ulong interval)
    {
        foreach (SharedPages pages in _spaces.Values)
            pages.Committed(interval);
    }

    /// <inheritdoc cref="OwedPages.Failed"/>
    public void Failed(ulong interval)
    {
        foreach (SharedPages pages in _spaces.Values)
            pages.Failed(interval);
    }

    /// <summary>Begins anew: everything is given again.</summary>
    public void Forget()
    {
        foreach (SharedPages pages in _spaces.Values)
            pages.Dispose();
        _spaces.Clear();
    }

    private IEnumerable<SharedPages> Seen() => _spaces.Values.Where(pages => pages.IsSeen);

    private SharedPages? FindOrOpen(SharedObject shared, SpaceId space)
    {
        if (_spaces.TryGetValue(space, out SharedPages? known))
            return known;
        if ((OpenByDescriptor(shared) ?? OpenByMapping(shared)) is not { } opened)
            return null;
        var pages = new SharedPages(space, opened);
        _spaces.Add(space, pages);
        return pages;
    }

    private static SnapException Unreachable(SharedObject shared) => new(ErrorCatalogue.CheckpointFailed, $"cannot read shared memory of process {shared.Pid}",
        where: $"object {shared.Device:x}:{shared.Inode}, mapped at {shared.Mapping}",
        why: "neither a descriptor nor /proc/PID/map_files gives access to it",
        toDo: "run snap as root, or with CAP_CHECKPOINT_RESTORE, which map_files needs");

    private static FileDescriptor? OpenByDescriptor(SharedObject shared) =>
        shared.Descriptor < 0 ? null : TryOpen(string.Create(CultureInfo.InvariantCulture, $"/proc/{shared.Pid}/fd/{shared.Descriptor}"), shared);

    private static FileDescriptor? OpenByMapping(SharedObject shared) => shared.Mapping is not { } mapping ? null
        : TryOpen(string.Create(CultureInfo.InvariantCulture, $"/proc/{shared.Pid}/map_files/{mapping.Start:x}-{mapping.End:x}"), shared);

    private static FileDescriptor? TryOpen(string path, SharedObject shared)
    {
        if (FileDescriptor.TryOpen(path, Fcntl.O_RDONLY, 0, out FileDescriptor? opened).IsError)
            return null;
        stat found = opened!.Stat();
        if (found.st_ino == shared.Inode && found.st_dev == shared.Device)
            return opened;
        opened.Dispose();
        return null;
    }
}

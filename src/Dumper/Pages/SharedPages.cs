using Snap.Dumper.Collect;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Memory;
using Snap.Kernel.Syscalls;

namespace Snap.Dumper.Pages;

/// <summary>The pages of one shared-memory object: what of them a reader has, and what differs now.</summary>
/// <remarks>
/// Invariants. Of every page outside <c>_account.Owed</c> the reader has what its sum says, or, if it isn't in <c>_there</c>, a hole. What a freeze found
/// counts only once it was copied: a freeze that found too much changes nothing here.
/// </remarks>
internal sealed class SharedPages(SpaceId space, FileDescriptor file) : IDisposable
{
    private const int FixedSeals = Fcntl.F_SEAL_WRITE | Fcntl.F_SEAL_SHRINK;

    private readonly OwedPages _account = new();
    private readonly PageSums _sums = new();
    private readonly PageSet _there = new();
    private readonly PageSet _now = new();
    private readonly List<PageRange> _changed = [];
    private readonly List<(PageRange Piece, bool IsInside)> _pieces = [];
    private ulong _copiedAt;
    private bool _isFixed;
    private bool _willBeFixed;
    private bool _hasDropped;

    /// <summary>Its space.</summary>
    public SpaceId Space => space;

    /// <summary>True until an interval with every page has been given, and again if that one was not stored.</summary>
    public bool IsFull => _account.DropsEverythingFirst;

    /// <summary>Seen in the freeze under way.</summary>
    public bool IsSeen { get; set; }

    /// <summary>A freeze would copy much: nothing of it was given yet, or the last freeze copied much.</summary>
    public bool WantsLivePass { get; private set; } = true;

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    /// <summary>Starts an interval.</summary>
    public void Begin()
    {
        _hasDropped = false;
        if (_account.DropsEverythingFirst)
            Forget();
    }

    /// <summary>Gives what differs now, while the object may change. Pages may be of mixed moments; then the freeze finds them different once more.</summary>
    /// <param name="length">Bytes of the object.</param>
    /// <param name="sink">Where the pages go.</param>
    /// <param name="buffer">Room for reading.</param>
    /// <returns>Pages given.</returns>
    public ulong LivePass(ulong length, IPageSink sink, MappedMemory buffer)
    {
        DropEverythingOnce(sink);
        TakeOwed();
        _now.Clear();
        FindData(length);
        _changed.Clear();
        FindChanges(buffer);
        ulong copied = 0;
        foreach (PageRange run in _changed)
        {
            ulong most = buffer.Length >> PageRange.PageShift;
            for (ulong at = run.First; at < run.End; at += most)
                copied += Stream(new PageRange(at, Math.Min(most, run.End - at)), sink);
        }

        return copied;
    }

    /// <summary>Finds what differs, with every thread of the target standing still.</summary>
    /// <returns>Pages to copy.</returns>
    public ulong ScanFrozen(SharedObject shared, MappedMemory buffer)
    {
        TakeOwed();
        _changed.Clear();
        // Sealed against writing and shrinking it can't change any more, whoever has it. Only a scan that found it so counts: it may have changed just before.
        if (_isFixed)
            return 0;
        _willBeFixed = (shared.Seals & FixedSeals) == FixedSeals;
        _now.Clear();
        FindData(shared.Length);
        FindChanges(buffer);
        ulong pages = 0;
        foreach (PageRange run in _changed)
            pages += run.Count;
        return pages;
    }

    /// <summary>Copies what <see cref="ScanFrozen"/> found.</summary>
    /// <returns>Bytes used from <paramref name="offset"/> on.</returns>
    public ulong CopyFrozen(MappedMemory into, ulong offset, List<SpaceRun> runs)
    {
        _copiedAt = offset;
        foreach (PageRange run in _changed)
        {
            Read(run, into, offset);
            runs.Add(new SpaceRun(space, run));
            offset += run.Count << PageRange.PageShift;
        }

        return offset - _copiedAt;
    }

    /// <summary>After the thaw: notes what was copied, and tells the reader which pages are holes now.</summary>
    public void PublishFrozen(IPageSink sink)
    {
        DropEverythingOnce(sink);
        ulong offset = _copiedAt, copied = 0;
        foreach (PageRange run in _changed)
        {
            Note(run, sink.Memory, offset);
            offset += run.Count << PageRange.PageShift;
            copied += run.Count;
        }

        _changed.Clear();
        foreach (PageRange before in _there.Runs)
        {
            _now.Split(before, _pieces);
            foreach ((PageRange hole, bool isData) in _pieces)
            {
                if (isData)
                    continue;
                sink.PublishDrop(space, hole);
                _account.Said(hole);
                _sums.Forget(hole);
            }
        }

        _there.Clear();
        _there.Add(_now);
        _isFixed = _willBeFixed;
        const ulong manyPages = 256;
        WantsLivePass = copied > manyPages;
    }

    /// <inheritdoc cref="OwedPages.End"/>
    public void End(ulong interval) => _account.End(interval);

    /// <inheritdoc cref="OwedPages.Abandon"/>
    public void Abandon() => _account.Abandon();

    /// <inheritdoc cref="OwedPages.Committed"/>
    public void Committed(ulong interval) => _account.Committed(interval);

    /// <inheritdoc cref="OwedPages.Failed"/>
    public void Failed(ulong interval) => _account.Failed(interval);

    // A reader that knows an older version of the space must not keep pages that are gone since.
    private void DropEverythingOnce(IPageSink sink)
    {
        if (_account.DropsEverythingFirst && !_hasDropped)
            sink.PublishDrop(space, new PageRange(0, 1UL << 52));
        _hasDropped = true;
    }

    private void Forget()
    {
        foreach (PageRange run in _there.Runs)
            _sums.Forget(run);
        _there.Clear();
        _isFixed = _willBeFixed = false;
        WantsLivePass = true;
    }

    // The reader may have these pages or not, as data or as a hole: what they are is said again, so they count as there and unlike.
    private void TakeOwed()
    {
        if (_account.Owed.IsEmpty)
            return;
        foreach (PageRange owed in _account.Owed.Runs)
            _sums.Forget(owed);
        _account.Said(_account.Owed);
        _there.Add(_account.Owed);
        _account.Owed.Clear();
        _isFixed = _willBeFixed = false;
    }

    private void FindData(ulong length)
    {
        long at = 0;
        while (at < (long)length)
        {
            SyscallResult data = file.TrySeek(at, Fcntl.SEEK_DATA);
            if (data.Errno == Errno.ENXIO)
                return;
            long start = data.OrThrow("look for data of shared memory");
            SyscallResult hole = file.TrySeek(start, Fcntl.SEEK_HOLE);
            // Cut short since: what was found is gone, and nothing lies behind it.
            if (hole.Errno == Errno.ENXIO)
                return;
            long end = Math.Min(hole.OrThrow("look for holes of shared memory"), (long)length);
            if (end <= start)
                return;
            _now.Add(PageRange.FromBytes((ulong)start, ((ulong)end + PageRange.PageSize - 1) & ~(ulong)(PageRange.PageSize - 1)));
            at = end;
        }
    }

    private void FindChanges(MappedMemory buffer)
    {
        ulong most = buffer.Length >> PageRange.PageShift;
        foreach (PageRange run in _now.Runs)
        {
            for (ulong at = run.First; at < run.End; at += most)
            {
                var part = new PageRange(at, Math.Min(most, run.End - at));
                Read(part, buffer, 0);
                for (ulong i = 0; i < part.Count; i++)
                {
                    ulong page = part.First + i;
                    if (_sums.Has(page, PageSums.Of(buffer.Slice(i << PageRange.PageShift, PageRange.PageSize))))
                        continue;
                    if (_changed.Count > 0 && _changed[^1].End == page)
                        _changed[^1] = new PageRange(_changed[^1].First, _changed[^1].Count + 1);
                    else
                        _changed.Add(new PageRange(page, 1));
                }
            }
        }
    }

    private ulong Stream(PageRange run, IPageSink sink)
    {
        int bytes = (int)(run.Count << PageRange.PageShift);
        ulong offset = sink.AcquireStream(bytes);
        try
        {
            Read(run, sink.Memory, offset);
        }
        catch
        {
            sink.PublishStream(offset, bytes, []);
            throw;
        }

        Note(run, sink.Memory, offset);
        _there.Add(run);
        sink.PublishStream(offset, bytes, [new SpaceRun(space, run)]);
        return run.Count;
    }

    private void Note(PageRange run, MappedMemory memory, ulong offset)
    {
        _account.Said(run);
        for (ulong i = 0; i < run.Count; i++)
            _sums.Set(run.First + i, PageSums.Of(memory.Slice(offset + (i << PageRange.PageShift), PageRange.PageSize)));
    }

    private void Read(PageRange range, MappedMemory into, ulong offset)
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
}

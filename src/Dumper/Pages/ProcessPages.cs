using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Pages;

/// <summary>The private pages of one process: what of them a reader still has to get, and the copying.</summary>
/// <remarks>
/// Invariants. A page that a scan reported is owed until the interval that copied it is committed: a scan forgets what it reports, so nothing but
/// the account remembers it. A page is published
/// as it is when all threads stand still, or as it was live if no scan reports it again.
/// </remarks>
internal sealed class ProcessPages : IDisposable
{
    /// <summary>Pages copied at once while the target runs (1 MiB).</summary>
    private const int StreamPages = 256;

    private readonly SpaceId _space;
    private readonly IDirtyTracker _tracker;
    private readonly PageCopier _copier;
    private readonly PageChanges _changes = new();
    private readonly OwedPages _account = new();
    private readonly PageSet _dirty = new();
    private readonly PageSet _live = new();
    private readonly BusyPages _busy = new();
    private readonly List<PageRange> _failed = [];
    private readonly List<PageRange> _batch = [];
    private readonly PageSet _mapped = new();
    private readonly PageChanges _looked = new();
    private readonly List<(PageRange Piece, bool IsInside)> _pieces = [];
    private IReadOnlyList<MapsEntry> _frozenMappings = [];
    private bool _sawDirectIo;

    /// <summary>Looks after the private pages that belong to <paramref name="space"/>.</summary>
    public ProcessPages(SpaceId space, RemoteMemory memory, IDirtyTracker tracker)
    {
        _space = space;
        _tracker = tracker;
        _copier = new PageCopier(memory);
    }

    /// <summary>True until an interval with every page has been given, and again if that one was not stored.</summary>
    public bool IsFull => _account.DropsEverythingFirst;

    /// <summary>Pages that live passes copied in the interval under way.</summary>
    public ulong LivePages => _live.Count;

    /// <summary>Pages reported dirty in the interval under way.</summary>
    public ulong DirtyPages => _dirty.Count;

    /// <inheritdoc/>
    public void Dispose() => _tracker.Dispose();

    /// <summary>Starts an interval.</summary>
    public void Begin(IPageSink sink)
    {
        _live.Clear();
        _dirty.Clear();
        _busy.Begin();
        // What a pass that broke off didn't get to is owed, and is looked at anew.
        _batch.Clear();
        _sawDirectIo = false;
        Announce(sink);
    }

    /// <summary>The part of <see cref="Begin"/> that tells the reader; for a process that was found in the freeze it comes after the thaw.</summary>
    public void Announce(IPageSink sink)
    {
        // A reader that knows an older version of the space must not keep pages that are gone since: all are dropped, and what is there given.
        if (_account.DropsEverythingFirst)
            sink.PublishDrop(_space, new PageRange(0, 1UL << 52));
    }

    /// <summary>One pass while the target runs.</summary>
    /// <param name="mappings">As just read.</param>
    /// <param name="sink">Where the pages go; may wait for room.</param>
    /// <param name="seesDirectIo">True if the process has a descriptor with O_DIRECT, or just had.</param>
    /// <returns>Pages copied.</returns>
    public ulong LivePass(IReadOnlyList<MapsEntry> mappings, IPageSink sink, bool seesDirectIo)
    {
        _sawDirectIo |= seesDirectIo;
        Scan(mappings, isFrozen: false);
        TakeOwed(mappings);
        foreach (PageRange dropped in _changes.Dropped)
            sink.PublishDrop(_space, dropped);
        foreach (PageRange zero in _changes.Zeroed.Runs)
            sink.PublishZero(_space, zero);
        ulong copied = 0;
        foreach (PageRange run in _changes.Written.Runs)
        {
            _busy.Leave(run, _pieces);
            foreach ((PageRange piece, bool isLeft) in _pieces)
                copied += isLeft ? 0 : Batch(piece, sink);
        }

        copied += Stream(sink);
        return copied;
    }

    /// <summary>Finds what is left to copy, with every thread standing still.</summary>
    /// <param name="mappings">Exact.</param>
    /// <param name="hasDirectIo">True if the process has a descriptor with O_DIRECT.</param>
    /// <returns>Pages to copy.</returns>
    public ulong ScanFrozen(IReadOnlyList<MapsEntry> mappings, bool hasDirectIo)
    {
        _frozenMappings = mappings;
        Scan(mappings, isFrozen: true);
        // Data that a device delivers after the page was cleared shows in no scan (KERNEL 2.5): all that was copied live is copied again.
        if (hasDirectIo || _sawDirectIo)
            Owe(_live);
        Owe(_busy.Rested(_changes.Written));
        TakeOwed(mappings);
        return _changes.Written.Count;
    }

    /// <summary>Copies what <see cref="ScanFrozen"/> found, with every thread still standing still.</summary>
    /// <returns>Bytes used from <paramref name="offset"/> on.</returns>
    public ulong CopyFrozen(MappedMemory into, ulong offset, List<SpaceRun> runs)
    {
        ulong start = offset;
        _failed.Clear();
        IReadOnlyList<PageRange> written = _changes.Written.Runs;
        for (int next = 0; next < written.Count;)
        {
            _batch.Clear();
            while (next < written.Count && _batch.Count < RemoteMemory.MaxRanges)
                _batch.Add(written[next++]);
            _copier.Copy(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_batch), into, offset, _failed);
            Fault.Hit(FaultPoint.Copy);
            foreach (PageRange run in _batch)
            {
                runs.Add(new SpaceRun(_space, run));
                offset += run.Count << PageRange.PageShift;
            }
        }

        _batch.Clear();
        foreach (PageRange page in _failed)
        {
            if (!IsUnreadableByNature(page))
                throw new KernelException(Errno.EFAULT, $"read page {page} of the target");
        }

        _tracker.CopiedAssumeFrozen();
        return offset - start;
    }

    /// <summary>After the thaw: tells the reader what is gone or zero. Comes before the pages that were copied in the pause.</summary>
    public void PublishFrozen(IPageSink sink)
    {
        foreach (PageRange dropped in _changes.Dropped)
            sink.PublishDrop(_space, dropped);
        foreach (PageRange zero in _changes.Zeroed.Runs)
            sink.PublishZero(_space, zero);
    }

    /// <summary>After the pages of the pause have been published: takes back those that turned out to have no content.</summary>
    public void PublishUnreadable(IPageSink sink)
    {
        foreach (PageRange page in _failed)
            sink.PublishDrop(_space, page);
        _failed.Clear();
    }

    /// <summary>The freeze found too much to copy: it is left to the next live pass.</summary>
    public void Postpone()
    {
        Owe(_changes.Written);
        _busy.Forget();
    }

    /// <summary>The interval is complete; its pages are kept in mind until its fate is known.</summary>
    public void End(ulong interval)
    {
        // A live pass over everything takes long: what was written again in it need not be busy.
        if (!IsFull)
            _busy.Learn(_live, _changes.Written);
        _account.End(interval);
    }

    /// <summary>The interval broke off before its end: everything it reported is owed to the next.</summary>
    public void Abandon() => _account.Abandon();

    /// <summary>The interval, and all before it, are durable.</summary>
    public void Committed(ulong interval) => _account.Committed(interval);

    /// <summary>The interval, and all after it, were not stored. Not to be called between <see cref="ScanFrozen"/> and <see cref="End"/>.</summary>
    public void Failed(ulong interval) => _account.Failed(interval);

    private void Owe(PageSet pages) => _account.Owed.Add(pages);

    // Whatever the scan reported before it broke off is forgotten by the kernel, so it is kept even then.
    private void Scan(IReadOnlyList<MapsEntry> mappings, bool isFrozen)
    {
        _changes.Clear();
        try
        {
            if (isFrozen)
                _tracker.ScanFrozen(mappings, _changes);
            else
                _tracker.ScanLive(mappings, _changes);
            Fault.Hit(FaultPoint.Scan);
        }
        finally
        {
            foreach (PageRange dropped in _changes.Dropped)
                _account.Said(dropped);
            _account.Said(_changes.Zeroed);
            _account.Said(_changes.Written);
            _dirty.Add(_changes.Written);
        }
    }

    // Beyond the end of a file that was cut short there is nothing to read, and touching it is SIGBUS, as it will be after a restore. So with a guard
    // page, which a look shows to have no content.
    private bool IsUnreadableByNature(PageRange page)
    {
        foreach (MapsEntry mapping in _frozenMappings)
        {
            if (mapping.Inode != 0 && PageRange.FromBytes(mapping.Start, mapping.End).Contains(page.First))
                return true;
        }

        _looked.Clear();
        _tracker.Look(page, isFile: false, _looked);
        return _looked.Written.IsEmpty;
    }

    private ulong BatchPages()
    {
        ulong pages = 0;
        foreach (PageRange run in _batch)
            pages += run.Count;
        return pages;
    }

    private ulong Batch(PageRange run, IPageSink sink)
    {
        ulong copied = 0;
        for (ulong at = run.First; at < run.End;)
        {
            ulong room = StreamPages - BatchPages();
            ulong count = Math.Min(run.End - at, room);
            _batch.Add(new PageRange(at, count));
            at += count;
            if (count == room)
                copied += Stream(sink);
        }

        return copied;
    }

    private ulong Stream(IPageSink sink)
    {
        if (_batch.Count == 0)
            return 0;
        ulong pages = BatchPages();
        int bytes = (int)pages << PageRange.PageShift;
        ulong offset = sink.AcquireStream(bytes);
        _failed.Clear();
        try
        {
            _copier.Copy(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_batch), sink.Memory, offset, _failed);
            Fault.Hit(FaultPoint.Copy);
        }
        catch
        {
            sink.PublishStream(offset, bytes, []);
            throw;
        }

        if (_failed.Count > 0)
        {
            // The mapping went away meanwhile. The freeze looks at these pages again, whatever its scan says.
            foreach (PageRange page in _failed)
                _account.Owed.Add(page);
            foreach (PageRange run in _batch)
                _account.Owed.Add(run);
            sink.PublishStream(offset, bytes, []);
            _batch.Clear();
            return 0;
        }

        var runs = new SpaceRun[_batch.Count];
        for (int i = 0; i < runs.Length; i++)
        {
            runs[i] = new SpaceRun(_space, _batch[i]);
            _live.Add(_batch[i]);
        }

        sink.PublishStream(offset, bytes, runs);
        _batch.Clear();
        return pages;
    }

    // What is owed from before counts as reported by this scan: in a private mapping it is looked at again, elsewhere it is gone.
    private void TakeOwed(IReadOnlyList<MapsEntry> mappings)
    {
        if (_account.Owed.IsEmpty)
            return;
        _account.Said(_account.Owed);
        _mapped.Clear();
        foreach (MapsEntry mapping in mappings)
        {
            if (!KnownMappings.IsTracked(mapping))
                continue;
            PageRange range = PageRange.FromBytes(mapping.Start, mapping.End);
            _mapped.Add(range);
            _account.Owed.Split(range, _pieces);
            foreach ((PageRange piece, bool isOwed) in _pieces)
            {
                if (isOwed)
                    _tracker.Look(piece, mapping.Inode != 0, _changes);
            }
        }

        foreach (PageRange owed in _account.Owed.Runs)
        {
            _mapped.Split(owed, _pieces);
            foreach ((PageRange piece, bool isInside) in _pieces)
            {
                if (!isInside)
                    _changes.Dropped.Add(piece);
            }
        }

        _account.Owed.Clear();
    }
}

using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Memory;
using Snap.Kernel.Syscalls;

namespace Snap.Restorer.Memory;

/// <summary>Writes the contents of pages into a process from outside, by several threads, in large pieces.</summary>
/// <remarks>
/// process_vm_writev(2) with many ranges a call where the process itself could write, /proc/PID/mem where it couldn't (r--, r-x, ---), which gives
/// it its own copy all the same. What a process has from its parent is compared first: to write it would copy it. Any thread of ours may do this: only ptrace itself is bound to one.
/// </remarks>
internal sealed class PageFiller
{
    /// <summary>Pages read and written at a time.</summary>
    public const int ChunkPages = 256;

    // Below this many pages, starting a thread costs more than it saves.
    private const int PagesWorthAThread = 512;

    private readonly IPageSource _pages;
    private readonly RemoteMemory _memory;
    private readonly List<Piece> _pieces = [];
    private readonly List<int> _loadStarts = [0];
    private int _pagesInLoad;
    private int _nextLoad;
    private long _totalPages;

    public PageFiller(IPageSource pages, RemoteMemory memory) => (_pages, _memory) = (pages, memory);

    /// <summary>Pages that will be written.</summary>
    public long TotalPages => _totalPages;

    /// <summary>Adds pages to be written.</summary>
    /// <param name="space">Their space.</param>
    /// <param name="range">The pages.</param>
    /// <param name="start">Where the first of them goes.</param>
    /// <param name="isWritable">True if the process itself may write there.</param>
    /// <param name="isZero">True if they are zero: then nothing is read.</param>
    /// <param name="isInherited">True if something is there already, shared with another process: only pages that differ are written.</param>
    public void Add(SpaceId space, PageRange range, ulong start, bool isWritable, bool isZero = false, bool isInherited = false)
    {
        for (ulong done = 0; done < range.Count;)
        {
            int room = ChunkPages - _pagesInLoad;
            if (room == 0 || _pieces.Count - _loadStarts[^1] == RemoteMemory.MaxRanges)
            {
                _loadStarts.Add(_pieces.Count);
                _pagesInLoad = 0;
                continue;
            }

            int count = (int)Math.Min((ulong)room, range.Count - done);
            _pieces.Add(new Piece(space, range.First + done, count, start + (done << PageRange.PageShift), isWritable, isZero, isInherited));
            _pagesInLoad += count;
            _totalPages += count;
            done += (ulong)count;
        }
    }

    /// <summary>Writes everything that was added.</summary>
    /// <param name="threads">Threads to use, the calling one included; 0 chooses.</param>
    public void Run(int threads)
    {
        _loadStarts.Add(_pieces.Count);
        if (threads == 0)
            threads = _totalPages < PagesWorthAThread ? 1 : Math.Clamp(Environment.ProcessorCount, 2, 4);
        Exception? failure = null;
        var helpers = new Thread[threads - 1];
        for (int i = 0; i < helpers.Length; i++)
        {
            helpers[i] = new Thread(() =>
            {
                try
                {
                    Work();
                }
                catch (Exception caught)
                {
                    Interlocked.CompareExchange(ref failure, caught, null);
                }
            }) { IsBackground = true, Name = "snap-fill" };
            helpers[i].Start();
        }

        try
        {
            Work();
        }
        finally
        {
            // A failed load of ours must not leave helpers behind that write into a process which is about to be killed.
            foreach (Thread helper in helpers)
                helper.Join();
        }

        if (failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }

    private void Work()
    {
        MappedMemory? buffer = null;
        Span<RemoteRange> ranges = stackalloc RemoteRange[RemoteMemory.MaxRanges];
        try
        {
            while (true)
            {
                int load = Interlocked.Increment(ref _nextLoad) - 1;
                if (load >= _loadStarts.Count - 1)
                    return;
                buffer ??= MappedMemory.Anonymous(ChunkPages * PageRange.PageSize);
                WriteLoad(_loadStarts[load], _loadStarts[load + 1], buffer, ranges);
            }
        }
        finally
        {
            buffer?.Dispose();
        }
    }

    private void WriteLoad(int first, int end, MappedMemory buffer, Span<RemoteRange> ranges)
    {
        ulong offset = 0, batchStart = 0;
        int inBatch = 0;
        for (int i = first; i < end; i++)
        {
            Piece piece = _pieces[i];
            int length = piece.Pages * PageRange.PageSize;
            Span<byte> bytes = buffer.Slice(offset, length);
            if (piece.IsZero)
                bytes.Clear();
            else
                _pages.ReadPages(piece.Space, piece.First, bytes);
            if (piece.IsInherited)
            {
                Scatter(ranges[..inBatch], buffer, batchStart);
                inBatch = 0;
                WriteDiffering(piece, buffer, offset);
            }
            else if (piece.IsWritable)
            {
                if (inBatch == 0)
                    batchStart = offset;
                ranges[inBatch++] = new RemoteRange(new RemoteAddress(piece.Start), (ulong)length);
            }
            else
            {
                Scatter(ranges[..inBatch], buffer, batchStart);
                inBatch = 0;
                _memory.WriteForced(new RemoteAddress(piece.Start), bytes);
            }

            offset += (ulong)length;
        }

        Scatter(ranges[..inBatch], buffer, batchStart);
    }

    private void WriteDiffering(in Piece piece, MappedMemory buffer, ulong offset)
    {
        byte[] present = System.Buffers.ArrayPool<byte>.Shared.Rent(piece.Pages * PageRange.PageSize);
        SyscallResult read = _memory.TryReadForced(new RemoteAddress(piece.Start), present.AsSpan(0, piece.Pages * PageRange.PageSize));
        int known = read.IsError ? 0 : (int)read.Value / PageRange.PageSize;
        for (int page = 0; page < piece.Pages;)
        {
            int first = page;
            while (page < piece.Pages && !(page < known && IsAlike(page)))
                page++;
            int length = (page - first) * PageRange.PageSize;
            var start = new RemoteAddress(piece.Start + (ulong)(first * PageRange.PageSize));
            ulong from = offset + (ulong)(first * PageRange.PageSize);
            if (length > 0 && piece.IsWritable)
                Scatter([new RemoteRange(start, (ulong)length)], buffer, from);
            else if (length > 0)
                _memory.WriteForced(start, buffer.Slice(from, length));
            while (page < known && IsAlike(page))
                page++;
        }

        System.Buffers.ArrayPool<byte>.Shared.Return(present);

        bool IsAlike(int page) => buffer.Slice(offset + (ulong)(page * PageRange.PageSize), PageRange.PageSize)
            .SequenceEqual(present.AsSpan(page * PageRange.PageSize, PageRange.PageSize));
    }

    private void Scatter(Span<RemoteRange> ranges, MappedMemory buffer, ulong offset)
    {
        while (!ranges.IsEmpty)
        {
            SyscallResult written = _memory.TryScatter(ranges, buffer, offset);
            ulong done = written.IsError ? 0 : (ulong)written.Value;
            offset += done;
            while (!ranges.IsEmpty && done >= ranges[0].Length)
            {
                done -= ranges[0].Length;
                ranges = ranges[1..];
            }

            if (ranges.IsEmpty)
                return;
            // The rest of this one range by the slow way, which also says what is wrong.
            ulong left = ranges[0].Length - done;
            _memory.WriteForced(ranges[0].Start + done, buffer.Slice(offset, (int)left));
            offset += left;
            ranges = ranges[1..];
        }
    }

    private readonly record struct Piece(SpaceId Space, ulong First, int Pages, ulong Start, bool IsWritable, bool IsZero, bool IsInherited);
}

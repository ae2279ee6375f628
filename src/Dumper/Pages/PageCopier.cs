using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Syscalls;

namespace Snap.Dumper.Pages;

/// <summary>Copies runs of pages of a target into memory of ours, in calls of up to a thousand ranges.</summary>
internal sealed class PageCopier(RemoteMemory memory)
{
    private readonly RemoteRange[] _ranges = new RemoteRange[RemoteMemory.MaxRanges];

    /// <summary>Copies <paramref name="runs"/>, one after the other.</summary>
    /// <param name="runs">At most <see cref="RemoteMemory.MaxRanges"/>.</param>
    /// <param name="into">Memory with room for all of them.</param>
    /// <param name="offset">Where the first page goes.</param>
    /// <param name="failed">Receives runs of pages that can't be read in any way; their room holds nothing of meaning.</param>
    /// <exception cref="KernelException">ESRCH: the target is gone.</exception>
    public void Copy(ReadOnlySpan<PageRange> runs, MappedMemory into, ulong offset, List<PageRange> failed)
    {
        int next = 0;
        while (next < runs.Length)
        {
            int count = runs.Length - next;
            ulong total = 0;
            for (int i = 0; i < count; i++)
            {
                PageRange run = runs[next + i];
                _ranges[i] = new RemoteRange(new RemoteAddress(run.First << PageRange.PageShift), run.Count << PageRange.PageShift);
                total += _ranges[i].Length;
            }

            SyscallResult copied = memory.TryGather(_ranges.AsSpan(0, count), into, offset);
            if (copied.IsError && copied.Errno != Errno.EFAULT)
                copied.OrThrow("copy target memory");
            ulong done = copied.IsError ? 0 : (ulong)copied.Value;
            if (done == total)
                return;
            // Whole runs first; then the one that couldn't be read this way, page by page; then on with the rest.
            while (done >= runs[next].Count << PageRange.PageShift)
            {
                done -= runs[next].Count << PageRange.PageShift;
                offset += runs[next].Count << PageRange.PageShift;
                next++;
            }

            CopyForced(runs[next], into, offset, failed);
            offset += runs[next].Count << PageRange.PageShift;
            next++;
        }
    }

    // PROT_NONE memory holds data, too, and only /proc/PID/mem reads it.
    private void CopyForced(PageRange run, MappedMemory into, ulong offset, List<PageRange> failed)
    {
        for (ulong i = 0; i < run.Count; i++)
        {
            var address = new RemoteAddress((run.First + i) << PageRange.PageShift);
            Span<byte> room = into.Slice(offset + (i << PageRange.PageShift), PageRange.PageSize);
            SyscallResult read = memory.TryRead(address, room);
            if (!read.IsError && read.Value == PageRange.PageSize)
                continue;
            read = memory.TryReadForced(address, room);
            if (!read.IsError && read.Value == 0)
                throw new KernelException(Errno.ESRCH, "copy target memory");
            if (read.IsError || read.Value != PageRange.PageSize)
                failed.Add(new PageRange(run.First + i, 1));
        }
    }
}

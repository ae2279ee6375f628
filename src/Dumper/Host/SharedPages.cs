using Snap.Image;
using Snap.Kernel.Memory;

namespace Snap.Dumper.Host;

/// <summary>Gives pages that lie in mapped memory to a receiver.</summary>
internal static class SharedPages
{
    /// <summary>Spans are of 31 bits, and a receiver that works in portions needs no longer ones.</summary>
    private const ulong MaxPages = 16UL << 20 >> PageRange.PageShift;

    /// <summary>Delivers one run that begins at <paramref name="offset"/>, which moves past it.</summary>
    public static void Deliver(MappedMemory memory, ref ulong offset, SpaceRun run, IPageReceiver receiver)
    {
        for (ulong done = 0; done < run.Range.Count;)
        {
            ulong count = Math.Min(run.Range.Count - done, MaxPages);
            int bytes = (int)(count << PageRange.PageShift);
            receiver.Pages(run.Space, run.Range.First + done, memory.Slice(offset, bytes));
            done += count;
            offset += (ulong)bytes;
        }
    }
}

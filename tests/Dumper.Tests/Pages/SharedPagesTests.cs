using Snap.Dumper.Pages;
using Snap.Image;
using Snap.Kernel.Files;
using Snap.Kernel.Memory;

namespace Snap.Dumper.Tests.Pages;

public sealed class SharedPagesTests
{
    private const ulong Length = 64 * PageRange.PageSize;

    // Between the call that finds data and the one that finds where it ends, the object may be cut short, even to nothing.
    [Fact]
    public void An_object_that_is_cut_short_while_it_is_read_live_breaks_nothing_off()
    {
        using FileDescriptor file = FileDescriptor.CreateMemfd("cut short");
        using FileDescriptor own = FileDescriptor.Open($"/proc/self/fd/{file.Number}", 0);
        using var pages = new SharedPages(new SpaceId(7), own);
        using var sink = new MemorySink(Length);
        using MappedMemory buffer = MappedMemory.Anonymous(Length);
        var isDone = false;
        long cuts = 0;
        var cutter = new Thread(() =>
        {
            Span<byte> text = stackalloc byte[8];
            text.Fill(1);
            while (!Volatile.Read(ref isDone))
            {
                file.TryWriteAt(Length - 8, text);
                file.Truncate(0);
                Volatile.Write(ref cuts, cuts + 1);
            }
        });
        cutter.Start();
        try
        {
            for (int pass = 0; pass < 20000 || Volatile.Read(ref cuts) < 2000; pass++)
            {
                pages.Begin();
                pages.LivePass(Length, sink, buffer);
                pages.Abandon();
                sink.Abandon();
            }
        }
        finally
        {
            Volatile.Write(ref isDone, true);
            cutter.Join();
        }
    }
}

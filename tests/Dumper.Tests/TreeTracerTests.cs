using Snap.Dumper.Host;
using Snap.Dumper.Tests.Pages;
using Snap.Image;
using Snap.Testing;
using Xunit.Abstractions;

namespace Snap.Dumper.Tests;

public sealed class TreeTracerTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("counter")]
    [InlineData("avx_threads")]
    [InlineData("signals")]
    [InlineData("shared_memory")]
    public void A_program_is_captured_again_and_again_and_stays_as_it_was(string program)
    {
        using Target target = Target.Start(program);
        Fingerprint before = Fingerprint.Of(target.Pid);
        TracerThread.Run(() =>
        {
            using TreeTracer tracer = TreeTracer.Attach(new AttachRequest { Pid = target.Pid });
            using var sink = new MemorySink();
            for (ulong interval = 0; interval < 5; interval++)
            {
                CheckpointResult result = tracer.Take(new CheckpointRequest { Interval = interval }, sink);
                output.WriteLine($"{result.Pause.TotalMicroseconds} us, full {result.IsFull}, dirty {result.PagesDirty}, copied {result.PagesCopied}, in the pause {result.PagesCopiedInPause}, passes {result.LivePasses}, freezes {result.Freezes}");
                Assert.Equal(interval == 0, result.IsFull);
                tracer.Committed(interval);
            }
        });
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        output.WriteLine(string.Join('\n', Fingerprint.Differences(before, Fingerprint.Of(target.Pid))));
        Assert.All(target.Check(), answer => Assert.StartsWith("ok", answer, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1e-4, true)]
    [InlineData(3_600_000, false)]
    public void A_pause_that_is_longer_than_was_asked_for_says_so(double milliseconds, bool isMissed)
    {
        using Target target = Target.Start("busy_writer", "16", "2000");
        using var sink = new MemorySink();
        TracerThread.Run(() =>
        {
            using TreeTracer tracer = TreeTracer.Attach(new AttachRequest { Pid = target.Pid });
            CheckpointResult result = tracer.Take(new CheckpointRequest { Interval = 1, PauseGoal = TimeSpan.FromMilliseconds(milliseconds) }, sink);
            Assert.Equal(isMissed, result.Notices.Any(notice => notice.Contains("longer than the", StringComparison.Ordinal)));
            Assert.Equal(result.Notices, result.Image.Notices.Intersect(result.Notices));
        });
        Assert.Empty(target.Check());
    }

    /// <summary>What was found first in a freeze that came to nothing was dropped once more at the next, after its pages had been given.</summary>
    [Fact]
    public void A_child_that_was_found_in_a_freeze_that_broke_off_keeps_its_pages_in_the_next_snapshot()
    {
        using Target target = Target.Start("late_child");
        using var sink = new MemorySink();
        TracerThread.Run(() =>
        {
            using TreeTracer tracer = TreeTracer.Attach(new AttachRequest { Pid = target.Pid });
            tracer.Take(new CheckpointRequest { Interval = 1 }, sink);
            tracer.Committed(1);
            bool hasChild = false;
            sink.OnAcquirePause = () =>
            {
                if (!hasChild)
                    Assert.Equal(["fork"], target.Ask("fork"));
                hasChild = true;
            };
            SnapException refused = Assert.Throws<SnapException>(() => tracer.Take(new CheckpointRequest { Interval = 2 }, sink));
            Assert.Contains("socket", refused.Render(), StringComparison.Ordinal);
            Assert.Equal(["close"], target.Ask("close"));
            CheckpointResult result = tracer.Take(new CheckpointRequest { Interval = 3 }, sink);
            SpaceId space = Assert.Single(result.Image.Processes, process => process.Pid != target.Pid).Space;
            Assert.InRange(sink.Pages(space).Values.Count(page => page is not null && page.AsSpan().ContainsAnyExcept((byte)0)), 256, int.MaxValue);
        });
        Assert.Empty(target.Check());
    }

    // A watch takes the second interval while the first is still being written. What it says of pages that it doesn't give must not be "gone".
    [Fact]
    public void An_interval_taken_before_the_first_is_stored_still_has_every_page()
    {
        using Target target = Target.Start("counter");
        using var sink = new MemorySink();
        TracerThread.Run(() =>
        {
            using TreeTracer tracer = TreeTracer.Attach(new AttachRequest { Pid = target.Pid });
            CheckpointResult first = tracer.Take(new CheckpointRequest { Interval = 1 }, sink);
            SpaceId space = first.Image.Processes[0].Space;
            int pages = sink.Pages(space).Count;
            Assert.False(tracer.Take(new CheckpointRequest { Interval = 2 }, sink).IsFull);
            Assert.InRange(sink.Pages(space).Count, pages, int.MaxValue);
            tracer.Failed(1);
            CheckpointResult third = tracer.Take(new CheckpointRequest { Interval = 3 }, sink);
            Assert.True(third.IsFull);
            Assert.InRange(sink.Pages(space).Count, pages, int.MaxValue);
        });
    }
}

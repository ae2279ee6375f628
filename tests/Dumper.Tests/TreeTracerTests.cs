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
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using TreeTracer tracer = TreeTracer.Attach(new AttachRequest { Pid = target.Pid });
                using var sink = new MemorySink();
                for (ulong interval = 0; interval < 5; interval++)
                {
                    CheckpointResult result = tracer.Take(new CheckpointRequest { Interval = interval }, sink);
                    output.WriteLine($"{result.Pause.TotalMicroseconds} us full {result.IsFull} dirty {result.PagesDirty} copied {result.PagesCopied} in pause {result.PagesCopiedInPause} passes {result.LivePasses} freezes {result.Freezes} threads {result.Image.Processes[0].Threads.Count} image {ImageCodec.Encode(result.Image).Length}");
                    Assert.Equal(interval == 0, result.IsFull);
                    tracer.Committed(interval);
                }
            }
            catch (Exception caught)
            {
                failure = caught;
            }
        });
        thread.Start();
        thread.Join();
        Assert.True(failure is null, failure is SnapException snap ? snap.Render() : failure?.ToString());
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        output.WriteLine(string.Join('\n', Fingerprint.Differences(before, Fingerprint.Of(target.Pid))));
        Assert.All(target.Check(), answer => Assert.StartsWith("ok", answer, StringComparison.Ordinal));
    }
}

using Snap.Kernel.Tracing;
using Snap.Testing;

namespace Snap.Kernel.Tests.Tracing;

public sealed class FrozenProcessTests
{
    /// <summary>A thread in vfork(2) can't stop until its child ends; the others must not wait for it, and it must run on when it can.</summary>
    [Fact]
    public void A_thread_that_does_not_stop_in_time_is_named_and_let_go_as_soon_as_it_does()
    {
        using Target target = Target.Start("vfork_child");
        TracerThread.Run(() =>
        {
            using FrozenProcess frozen = FrozenProcess.PrepareOrGone(target.Pid)!;
            for (int attempt = 0; attempt < 2; attempt++)
            {
                using Deadline end = Deadline.After(TimeSpan.FromMilliseconds(50));
                FreezeResult result = frozen.Freeze(end);
                Assert.Equal(FreezeOutcome.DeadlinePassed, result.Outcome);
                Assert.NotEqual(target.Pid, result.Tid);
                Assert.Equal(result.Tid, frozen.StuckThread);
                Assert.Empty(target.Check());
            }

            target.Send("release");
            Patience.Until(
                () =>
                {
                    frozen.ReleaseStuck();
                    return frozen.StuckThread == 0;
                },
                "the thread to stop");
            Assert.Equal("release", target.ReadAnswer());
            Assert.Empty(target.Check());
            Assert.Equal(FreezeOutcome.Frozen, frozen.Freeze(Deadline.Never).Outcome);
            frozen.Thaw();
        });
        Assert.Empty(target.Check());
    }
}

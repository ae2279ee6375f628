using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Tracing;
using Snap.Testing;

namespace Snap.Kernel.Tests.Processes;

public sealed class ChildProcessTests
{
    // Until exec gives it memory of its own, a child that was just started lives on ours: whoever opens its maps or mem then has our own.
    // Seen with one emulated processor every time; threads that keep the processors busy are the next best.
    [Fact]
    public void A_child_that_was_started_has_memory_of_its_own()
    {
        bool isOver = false;
        Thread[] busy = [.. Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
                Thread.SpinWait(1000);
        }))];
        Array.ForEach(busy, thread => thread.Start());
        try
        {
            for (int i = 0; i < 50; i++)
            {
                ChildProcess child = ChildProcess.Start(new SpawnOptions { Program = "true" });
                long compared = KernelCompare.Resources(Sched.KCMP_VM, Environment.ProcessId, child.Pid).Raw;
                child.Wait();
                Assert.NotEqual(0, compared);
            }
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            Array.ForEach(busy, thread => thread.Join());
        }
    }

    // The kernel tells the stops of a traced child to every wait of the process, and one that is taken is lost to the thread that traces.
    [Fact]
    public void A_wait_for_the_end_of_a_child_leaves_its_stops_to_the_thread_that_traces_it()
    {
        ChildProcess child = ChildProcess.Start(new SpawnOptions { Program = "sleep", Arguments = ["1000"] });
        try
        {
            TracerThread.Run(() =>
            {
                using FrozenProcess frozen = FrozenProcess.PrepareOrGone(child.Pid)!;
                Assert.Equal(FreezeOutcome.Frozen, frozen.Freeze(Deadline.Never).Outcome);
                Assert.False(child.TryWait(out _));
                using Deadline soon = Deadline.After(TimeSpan.FromSeconds(5));
                Assert.True(frozen.Threads[0].TryWait(soon), "the stop was taken");
                Assert.True(frozen.Threads[0].IsParked);
                frozen.Thaw();
            });
            Assert.False(child.TryWait(out _));
        }
        finally
        {
            child.Signal(Signal.SIGKILL);
            Assert.Equal(Signal.SIGKILL, child.Wait().KillSignal);
        }
    }
}

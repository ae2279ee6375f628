using Snap.Kernel.Abi;
using Snap.Kernel.Processes;

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
}

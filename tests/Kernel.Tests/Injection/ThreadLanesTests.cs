using Snap.Kernel.Abi;
using Snap.Kernel.Injection;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;
using Snap.Testing;

namespace Snap.Kernel.Tests.Injection;

public sealed class ThreadLanesTests
{
    private const int Threads = 40;

    [Fact]
    public void Each_of_many_threads_makes_its_own_calls_and_goes_on_as_it_was()
    {
        using var program = new BusyThreads();
        ChildProcess target = program.Child;
        TracerThread.Run(() =>
        {
            using FrozenProcess frozen = FrozenProcess.PrepareOrGone(target.Pid)!;
            using RemoteMemory memory = RemoteMemory.Open(target.Pid);
            InjectionAgent? agent = null;
            ThreadLanes? lanes = null;
            for (int round = 0; round < 100; round++)
            {
                Assert.Equal(FreezeOutcome.Frozen, frozen.Freeze(Deadline.Never).Outcome);
                Assert.Equal(Threads, frozen.Threads.Count);
                agent ??= Install(frozen, memory);
                lanes ??= Prepare(agent, frozen);
                user_regs_struct[] registers = [.. frozen.Threads.Select(thread => thread.GetRegisters())];
                ulong[] masks = [.. frozen.Threads.Select(thread => thread.GetSignalMask())];
                for (int first = 0; first < Threads; first += ThreadLanes.Count)
                {
                    Tracee[] wave = [.. frozen.Threads.Skip(first).Take(ThreadLanes.Count)];
                    foreach (Tracee thread in wave)
                        lanes.Batch(lanes.Add(thread)).Add(SyscallNumber.gettid);
                    lanes.Begin(target.Pid, Signal.SIGURG);
                    lanes.End();
                    Assert.Equal(wave.Select(thread => (long)thread.Tid), wave.Select((_, lane) => lanes.Batch(lane).Result(0).Value));
                }

                Assert.Equal(masks, frozen.Threads.Select(thread => thread.GetSignalMask()));
                // A thread in a call that is made again has got its number back already.
                Assert.Equal(registers.Select(one => (one.rip, one.rsp, one.rbx)), frozen.Threads.Select(thread => thread.GetRegisters()).Select(one => (one.rip, one.rsp, one.rbx)));
                frozen.Thaw();
            }
        });
        AssertUnharmed(target);
    }

    /// <summary>The thread of ours that traces ends while the threads are on their way, or stand behind their calls: each heals itself.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Threads_that_a_dead_tracer_left_in_their_lanes_go_back_by_themselves(bool haveArrived)
    {
        using var program = new BusyThreads();
        ChildProcess target = program.Child;
        for (int round = 0; round < 20; round++)
        {
            TracerThread.Run(() =>
            {
                FrozenProcess frozen = FrozenProcess.PrepareOrGone(target.Pid)!;
                RemoteMemory memory = RemoteMemory.Open(target.Pid);
                Assert.Equal(FreezeOutcome.Frozen, frozen.Freeze(Deadline.Never).Outcome);
                InjectionAgent agent = Install(frozen, memory);
                ThreadLanes lanes = Prepare(agent, frozen);
                foreach (Tracee thread in frozen.Threads.Take(ThreadLanes.Count))
                    lanes.Batch(lanes.Add(thread)).Add(SyscallNumber.gettid);
                lanes.Begin(target.Pid, Signal.SIGURG);
                if (haveArrived)
                {
                    foreach (Tracee thread in frozen.Threads.Take(ThreadLanes.Count))
                        thread.TryWait(Deadline.Never);
                }
            });
            Patience.Until(() => Fingerprint.FindHarm(target.Pid).Count == 0, () => string.Join("; ", Fingerprint.FindHarm(target.Pid)));
            AssertUnharmed(target);
        }
    }

    private static void AssertUnharmed(ChildProcess target)
    {
        // Each thread has gone round its loop, where it looks at itself, once more: its own clock has advanced.
        Dictionary<int, ulong> before = Times(target.Pid);
        Assert.Equal(Threads, before.Count);
        Patience.Until(() => Times(target.Pid).All(now => now.Value > before[now.Key]), () => "threads that don't go on: " +
            string.Join(", ", Times(target.Pid).Where(now => now.Value <= before[now.Key]).Select(now => $"{now.Key} {File.ReadAllText($"/proc/{now.Key}/syscall")}")));
        Assert.False(target.TryWait(out _));
    }

    // Nanoseconds on a processor so far, of each thread.
    private static Dictionary<int, ulong> Times(int pid) => TaskFiles.OfProcess(pid).ListThreads()!
        .ToDictionary(tid => tid, tid => ulong.Parse(File.ReadAllText($"/proc/{pid}/task/{tid}/schedstat").Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture));

    private static InjectionAgent Install(FrozenProcess frozen, RemoteMemory memory) =>
        InjectionAgent.Install(frozen.Pid, frozen.Threads[0], memory, InjectionAgent.FindSlack(memory, InjectionAgentTests.VdsoOf(frozen.Pid))!.Value, Signal.SIGURG);

    private static ThreadLanes Prepare(InjectionAgent agent, FrozenProcess frozen)
    {
        using (InjectionSession session = agent.Enter(frozen.Pid, frozen.Threads[0], Signal.SIGURG))
            session.PrepareData();
        return agent.NewLanes();
    }

    private sealed class BusyThreads : IDisposable
    {
        public BusyThreads()
        {
            Child = ChildProcess.Start(new SpawnOptions { Program = CompiledProgram.Get("busy_threads").Path, Arguments = [$"{Threads}"] });
            Patience.Until(() => TaskFiles.OfProcess(Child.Pid).ListThreads()!.Count == Threads, "all threads to be there");
        }

        public ChildProcess Child { get; }

        public void Dispose()
        {
            Child.Signal(Signal.SIGKILL);
            Child.Wait();
        }
    }
}

using Snap.Kernel.Abi;
using Snap.Kernel.Injection;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Tracing;
using Snap.Testing;

namespace Snap.Kernel.Tests.Injection;

public sealed class InjectionAgentTests
{
    [Fact]
    public void Calls_are_made_inside_a_sleeping_target_which_then_goes_on()
    {
        ChildProcess child = ChildProcess.Start(new SpawnOptions { Program = "sleep", Arguments = ["1000"] });
        try
        {
            TracerThread.Run(() =>
            {
                using FrozenProcess frozen = FrozenProcess.PrepareOrGone(child.Pid)!;
                using RemoteMemory memory = RemoteMemory.Open(child.Pid);
                for (int round = 0; round < 3; round++)
                {
                    Assert.Equal(FreezeOutcome.Frozen, frozen.Freeze(Deadline.Never).Outcome);
                    user_regs_struct before = frozen.Threads[0].GetRegisters();
                    CodeSlack slack = InjectionAgent.FindSlack(memory, VdsoOf(child.Pid))!.Value;
                    InjectionAgent agent = InjectionAgent.Install(child.Pid, frozen.Threads[0], memory, slack, Signal.SIGURG);
                    using (InjectionSession session = agent.Enter(child.Pid, frozen.Threads[0], Signal.SIGURG))
                    {
                        RemoteBatch batch = agent.NewBatch();
                        int getpid = batch.Add(SyscallNumber.getpid);
                        RemoteAddress mask = batch.Reserve(8);
                        int procmask = batch.Add(SyscallNumber.rt_sigprocmask, 0, 0, mask.Value, 8);
                        session.Run(batch);
                        Assert.Equal(child.Pid, batch.Result(getpid).Value);
                        Assert.False(batch.Result(procmask).IsError);
                        session.Run(batch);
                        Assert.Equal(child.Pid, batch.Result(getpid).Value);
                    }

                    Assert.Equal(before, frozen.Threads[0].GetRegisters());
                    frozen.Thaw();
                }
            });
            Assert.False(child.TryWait(out _));
            // It goes back to its sleep; when, is the scheduler's business.
            Assert.True(SpinWait.SpinUntil(() => File.ReadAllText($"/proc/{child.Pid}/stat").Contains(") S ", StringComparison.Ordinal), TimeSpan.FromMinutes(1)));
        }
        finally
        {
            child.Signal(Signal.SIGKILL);
            child.Wait();
        }
    }

    internal static RemoteRange VdsoOf(int pid)
    {
        string line = File.ReadLines($"/proc/{pid}/maps").Single(text => text.EndsWith("[vdso]", StringComparison.Ordinal));
        ulong[] range = [.. line.Split(' ')[0].Split('-').Select(hex => Convert.ToUInt64(hex, 16))];
        return new RemoteRange(new RemoteAddress(range[0]), range[1] - range[0]);
    }
}

using Snap.Dumper.Collect;
using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Tracing;
using Snap.Testing;

namespace Snap.Dumper.Tests.Collect;

public sealed class InterruptedCallsTests
{
    /// <summary>What a thread was seen in at the first freeze is the truth; the two ways to know without that must come to the same.</summary>
    [Fact]
    public void The_call_is_found_by_the_last_freeze_by_where_it_sleeps_and_by_its_arguments()
    {
        using Testing.Target target = Testing.Target.Start("blocking_calls");
        Assert.Empty(target.Check());
        var found = new HashSet<SyscallNumber>();
        TracerThread.Run(() =>
        {
            using RemoteMemory memory = RemoteMemory.Open(target.Pid);
            using FrozenProcess frozen = FrozenProcess.PrepareOrGone(target.Pid)!;
            InterruptedCalls byEarlier = new(target.Pid), bySleep = new(target.Pid), byArguments = new(target.Pid);
            Freeze(frozen, (tid, registers) => byEarlier.Name(tid, ref registers, memory));
            Targets.WaitUntilAllSleep(target.Pid);
            bySleep.LookLive();
            Freeze(frozen, (tid, registers) =>
            {
                user_regs_struct one = registers, two = registers, three = registers;
                byEarlier.Name(tid, ref one, memory);
                bySleep.Name(tid, ref two, memory);
                byArguments.Name(tid, ref three, memory);
                Assert.Equal((one.orig_rax, one.rax, one.rip), (two.orig_rax, two.rax, two.rip));
                Assert.Equal((one.orig_rax, one.rax, one.rip), (three.orig_rax, three.rax, three.rip));
                if (SyscallRestart.HasRestartBlock(registers))
                    found.Add((SyscallNumber)one.orig_rax);
            });
        });
        Assert.Contains(SyscallNumber.poll, found);
        Assert.DoesNotContain(SyscallNumber.restart_syscall, found);
        Assert.Empty(target.Check());
    }

    private static void Freeze(FrozenProcess frozen, Action<int, user_regs_struct> look)
    {
        Assert.Equal(FreezeOutcome.Frozen, frozen.Freeze(Deadline.Never).Outcome);
        foreach (Tracee thread in frozen.Threads)
            look(thread.Tid, thread.GetRegisters());
        frozen.Thaw();
    }
}

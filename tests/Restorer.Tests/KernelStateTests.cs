using System.Buffers.Binary;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;

namespace Snap.Restorer.Tests;

/// <summary>Kernel state that a C program of tests/Programs can't easily have, on a hand-made process: looked at from outside.</summary>
public sealed class KernelStateTests
{
    // pause(), for ever
    private static readonly byte[] _pause = [0xB8, 34, 0, 0, 0, 0x0F, 0x05, 0xEB, 0xF7];

    [SkippableFact]
    public void A_user_of_no_power_gets_no_power_back()
    {
        Skip.If(TaskFiles.Self.ReadStatus()!.Uid.Effective != 0, "only root can become another user");
        var wanted = new CredentialsImage
        {
            UserIds = [1001, 1002, 1003, 1002],
            GroupIds = [2001, 2002, 2003, 2002],
            Groups = [5, 7, 2002],
            InheritableCapabilities = 0,
            PermittedCapabilities = 0,
            EffectiveCapabilities = 0,
            BoundingCapabilities = 0,
            AmbientCapabilities = 0,
            NoNewPrivileges = true,
        };
        ProcStatus status = StatusOf(process => process with { Credentials = wanted, Dumpable = 0 });
        Assert.Equal(new FourIds(1001, 1002, 1003, 1002), status.Uid);
        Assert.Equal(new FourIds(2001, 2002, 2003, 2002), status.Gid);
        Assert.Equal(wanted.Groups, status.Groups);
        Assert.Equal((0UL, 0UL, 0UL, 0UL, 0UL), Capabilities(status));
        Assert.True(status.NoNewPrivileges);
    }

    [SkippableFact]
    public void Capabilities_of_a_user_that_is_not_root_come_back_each_in_its_set()
    {
        Skip.If(TaskFiles.Self.ReadStatus()!.Uid.Effective != 0, "only root can become another user");
        const ulong net = 1UL << 10, chown = 1, kill = 1UL << 5;
        ProcStatus status = StatusOf(process => process with
        {
            Credentials = process.Credentials with
            {
                UserIds = [1001, 1001, 1001, 1001],
                InheritableCapabilities = net,
                PermittedCapabilities = net | chown | kill,
                EffectiveCapabilities = chown,
                BoundingCapabilities = net | chown | kill,
                AmbientCapabilities = net,
                SecureBits = 0x30, // SECBIT_KEEP_CAPS and its lock
            },
        });
        Assert.Equal((net, net | chown | kill, chown, net | chown | kill, net), Capabilities(status));
    }

    [Fact]
    public void Pending_signals_wait_in_their_order_with_what_they_carry()
    {
        byte[] Info(int signal, int code, int value)
        {
            var info = new byte[128];
            BinaryPrimitives.WriteInt32LittleEndian(info, signal);
            BinaryPrimitives.WriteInt32LittleEndian(info.AsSpan(8), code);
            BinaryPrimitives.WriteInt32LittleEndian(info.AsSpan(16), 4711);
            BinaryPrimitives.WriteInt32LittleEndian(info.AsSpan(24), value);
            return info;
        }

        byte[][] ofProcess = [Info(40, Signal.SI_QUEUE, 1), Info(40, Signal.SI_QUEUE, 2), Info(Signal.SIGTRAP, Signal.SI_QUEUE, 3), Info(Signal.SIGCONT, Signal.SI_USER, 4)];
        byte[][] ofThread = [Info(Signal.SIGUSR1, Signal.SI_TKILL, 5), Info(Signal.SIGTRAP, Signal.SI_KERNEL, 6), Info(41, Signal.SI_TIMER, 7)];
        Held(
            process => process with { PendingSignals = ofProcess, Threads = [process.Threads[0] with { PendingSignals = ofThread, SignalMask = ~0UL }] },
            restored => restored.WhileStopped(threads =>
            {
                Assert.Equal(ofProcess.Order(BySignal), threads[0].PeekSignals(shared: true).Order(BySignal));
                Assert.Equal(ofThread.Order(BySignal), threads[0].PeekSignals(shared: false).Order(BySignal));
                Assert.Equal(~0UL & ~(1UL << 8) & ~(1UL << 18), threads[0].GetSignalMask());
            }));
    }

    [Fact]
    public void A_signal_action_that_exec_would_lose_or_keep_is_as_it_was()
    {
        var actions = Enumerable.Repeat(new SignalActionImage(0, 0, 0, 0), 64).ToArray();
        actions[Signal.SIGTRAP - 1] = new SignalActionImage(1, 0, 0, 0);
        actions[Signal.SIGPIPE - 1] = new SignalActionImage(0, 0, 0, 0);
        actions[Signal.SIGUSR2 - 1] = new SignalActionImage(HandMadeImage.Code, 0x04000000, HandMadeImage.Code, 0);
        ProcStatus status = StatusOf(process => process with { SignalActions = actions });
        Assert.Equal(1UL << (Signal.SIGTRAP - 1), status.IgnoredSignals);
        Assert.Equal(1UL << (Signal.SIGUSR2 - 1), status.CaughtSignals);
    }

    [Fact]
    public void Limits_scheduling_and_attributes_are_as_they_were()
    {
        Held(
            process => process with
            {
                Limits = [.. process.Limits.Select((limit, i) => i == Sched.RLIMIT_STACK ? new LimitImage(1 << 20, limit.Maximum) : limit)],
                OomScoreAdjust = 321,
                CoredumpFilter = 0x7F,
                Personality = 0x0040000,
                Threads = [process.Threads[0] with { Nice = 7, SchedulingPolicy = Sched.SCHED_BATCH, TimerSlackNanoseconds = 123_456, Name = "fünf" }],
            },
            restored =>
            {
                TaskFiles files = TaskFiles.OfProcess(restored.Pid);
                Assert.Equal(1UL << 20, files.ReadLimits()![Sched.RLIMIT_STACK].Soft);
                Assert.Equal(321, files.ReadOomScoreAdjustment());
                Assert.Equal(0x7Fu, files.ReadCoreDumpFilter());
                Assert.Equal(0x0040000u, files.ReadPersonality());
                Assert.Equal(123_456UL, files.ReadTimerSlack());
                Assert.Equal("fünf", files.ReadCommand());
            });
    }

    [Fact]
    public void A_descriptor_number_far_beyond_ours_is_possible()
    {
        ulong limit = TaskFiles.Self.ReadLimits()![Sched.RLIMIT_NOFILE].Hard;
        int number = (int)Math.Min(limit, 60_000) - 100;
        (SnapshotImage image, DictionaryPages pages) = HandMadeImage.Make(HandMadeImage.FreePid(), _pause);
        image = (image with
        {
            Descriptions = [new EventDescription { Id = 0, Flags = Fcntl.O_RDWR | Fcntl.O_NONBLOCK, Count = ulong.MaxValue - 1 }],
        }).With(process => process with { Descriptors = [new DescriptorImage(number, true, 0)] });
        using RestoredProcess restored = TreeRestorer.Restore(image, pages, new RestoreOptions());
        Assert.Equal([number], TaskFiles.OfProcess(restored.Pid).ListDescriptors()!);
        DescriptorInfo info = TaskFiles.OfProcess(restored.Pid).ReadDescriptorInfo(number)!;
        Assert.Equal(ulong.MaxValue - 1, info.Event!.Count);
        Assert.True(info.IsCloseOnExec);
    }

    private static Comparer<byte[]> BySignal { get; } = Comparer<byte[]>.Create((one, other) => BitConverter.ToInt32(one).CompareTo(BitConverter.ToInt32(other)));

    private static (ulong, ulong, ulong, ulong, ulong) Capabilities(ProcStatus status) => (status.InheritableCapabilities, status.PermittedCapabilities,
        status.EffectiveCapabilities, status.BoundingCapabilities, status.AmbientCapabilities);

    private static ProcStatus StatusOf(Func<ProcessImage, ProcessImage> change)
    {
        ProcStatus? status = null;
        Held(change, restored => status = TaskFiles.OfProcess(restored.Pid).ReadStatus());
        return status!;
    }

    private static void Held(Func<ProcessImage, ProcessImage> change, Action<RestoredProcess> look)
    {
        (SnapshotImage image, DictionaryPages pages) = HandMadeImage.Make(HandMadeImage.FreePid(), _pause);
        using RestoredProcess restored = TreeRestorer.Restore(image.With(change), pages, new RestoreOptions());
        look(restored);
    }
}

using System.Runtime.InteropServices;
using Snap.Dumper.Preflight;
using Snap.Dumper.Tests.Collect;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;
using Snap.Testing;

namespace Snap.Dumper.Tests.Preflight;

/// <summary>Whom a pid may name, and whom not.</summary>
public sealed class IdentityTests
{
    private const long setresuid = 117;

    [Fact]
    public void A_pid_that_nobody_has_is_not_found()
    {
        int free = 4_000_000;
        while (Directory.Exists($"/proc/{free}"))
            free--;
        Expect(free, ErrorCatalogue.TargetNotFound);
        Expect(0, ErrorCatalogue.TargetNotFound);
        Expect(-5, ErrorCatalogue.TargetNotFound);
    }

    [Fact]
    public void Process_1_is_refused() => Expect(1, ErrorCatalogue.TargetIsInit);

    [Fact]
    public void Snap_itself_is_refused() => Expect(Environment.ProcessId, ErrorCatalogue.TargetIsOurselves);

    [SkippableFact]
    public void A_thread_of_the_kernel_is_refused()
    {
        ProcStat? thread = ProcessTable.ReadAll().Find(stat => stat.IsKernelThread);
        Skip.If(thread is null, "this pid namespace shows no kernel threads");
        Expect(thread!.Pid, ErrorCatalogue.TargetIsKernelThread);
    }

    [Fact]
    public void A_thread_id_is_refused_and_its_process_named()
    {
        using Testing.Target target = Targets.Start("pthreads");
        Patience.Until(() => TaskFiles.OfProcess(target.Pid).ListThreads() is { Count: > 1 }, () => "threads");
        int tid = TaskFiles.OfProcess(target.Pid).ListThreads()!.First(thread => thread != target.Pid);
        IReadOnlyList<SnapException> findings = PreflightCheck.Run(tid);
        // A thread may have ended meanwhile.
        if (findings[0].Kind != ErrorCatalogue.TargetNotFound)
            Assert.Contains($"process {target.Pid}", Assert.Single(findings).What, StringComparison.Ordinal);
    }

    [Fact]
    public void A_zombie_is_refused_and_its_parent_named()
    {
        using Testing.Target target = Targets.Start("children", "zombie");
        int zombie = ProcessTable.ReadChildren(target.Pid)!.Single();
        Assert.Contains($"{target.Pid}", Expect(zombie, ErrorCatalogue.TargetIsZombie).ToDo, StringComparison.Ordinal);
        Assert.Empty(target.Check());
    }

    [Fact]
    public void A_traced_process_is_refused_and_its_tracer_named()
    {
        using Testing.Target target = Targets.Start("sleeper");
        TracerThread.Run(() =>
        {
            Assert.False(Tracee.TrySeize(target.Pid, 0, out Tracee? tracee).IsError);
            SnapException finding = Expect(target.Pid, ErrorCatalogue.TargetTraced);
            Assert.Contains(TaskFiles.Self.ReadCommand()!, finding.What, StringComparison.Ordinal);
            tracee!.TryInterrupt();
            tracee.TryPark(Deadline.Never);
            tracee.TryDetach();
        });
        Assert.Empty(PreflightCheck.Run(target.Pid));
    }

    [SkippableFact]
    public void Another_users_process_is_refused_without_the_right_to_trace_it()
    {
        Skip.If(TaskFiles.Self.ReadStatus()!.Uid.Effective != 0, "only root can become another user");
        using Testing.Target target = Targets.Start("sleeper");
        TracerThread.Run(() =>
        {
            // The bare call changes this one thread only; it ends after this.
            Assert.Equal(0, syscall(setresuid, 65534, 65534, 65534));
            SnapException finding = Expect(target.Pid, ErrorCatalogue.TargetNotPermitted);
            Assert.Contains("65534", finding.Why, StringComparison.Ordinal);
            Assert.Contains("root", finding.ToDo, StringComparison.Ordinal);
        });
        Assert.Empty(target.Check());
    }

    [Fact]
    public void A_vfork_child_shares_memory_and_is_refused()
    {
        using Testing.Target target = Targets.Start("vfork_child");
        int child = 0;
        Patience.Until(() => (child = ProcessTable.ReadChildren(target.Pid)!.FirstOrDefault()) != 0, () => "the child");
        Assert.Contains(PreflightCheck.Run(child), finding => finding.Kind == ErrorCatalogue.SharesResources);
        Assert.Contains(PreflightCheck.Run(target.Pid), finding => finding.Kind == ErrorCatalogue.SharesResources);
        target.Ask("release");
        Assert.Empty(target.Check());
    }

    [Fact]
    public void Every_finding_says_what_and_what_to_do_and_all_are_told_at_once()
    {
        using Testing.Target target = Targets.Start("odd_descriptors", "{dir}", "socket");
        target.Signal(Signal.SIGSTOP);
        Patience.Until(() => TaskFiles.OfProcess(target.Pid).ReadStat()!.State == 'T', () => "the stop");
        IReadOnlyList<SnapException> findings = PreflightCheck.Run(target.Pid);
        Assert.Equal([ErrorCatalogue.TargetIsStopped, ErrorCatalogue.DescriptorOutside], findings.Select(finding => finding.Kind));
        Assert.All(findings, finding => Assert.NotNull(finding.ToDo));
        target.Signal(Signal.SIGCONT);
        Assert.Empty(target.Check());
    }

    private static SnapException Expect(int pid, ErrorKind kind)
    {
        SnapException finding = Assert.Single(PreflightCheck.Run(pid));
        Assert.Equal(kind, finding.Kind);
        Assert.NotNull(finding.ToDo);
        return finding;
    }

    [DllImport("libc")]
    private static extern long syscall(long number, ulong a, ulong b, ulong c);
}

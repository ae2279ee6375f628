using Snap.Dumper.Collect;
using Snap.Dumper.Preflight;
using Snap.Dumper.Tests.Collect;
using Snap.Image;
using Snap.Kernel.Injection;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;
using Snap.Testing;
using CollectTarget = Snap.Dumper.Collect.Target;

namespace Snap.Dumper.Tests.Preflight;

/// <summary>States that can't be captured are found both while the target runs, and on the frozen target if it entered them after the last look.</summary>
public sealed class OddStateTests
{
    [SkippableTheory]
    [InlineData("sysv", "S0407", "System V")]
    [InlineData("hugetlb", "S0407", "huge pages")]
    [InlineData("device", "S0407", "device")]
    [InlineData("guard", "S0407", "guard")]
    [InlineData("pkey", "S0407", "protection key")]
    [InlineData("uffd_mapping", "S0407", "userfaultfd")]
    [InlineData("files", "S0405", "descriptors of its own")]
    [InlineData("directory", "S0405", "working directory")]
    [InlineData("deadline", "S0406", "SCHED_DEADLINE")]
    [InlineData("cwd", "S0408", "working directory")]
    [InlineData("program", "S0408", "program")]
    [InlineData("library", "S0408", "mapped file")]
    [InlineData("chroot", "S0403", "root directory")]
    [InlineData("namespace", "S0403", "uts")]
    [InlineData("stopped", "S0208", "stopped")]
    public void Preflight_names_it(string kind, string id, string says)
    {
        using Testing.Target target = Targets.Start("odd_state", "{dir}", kind);
        Assert.Empty(PreflightCheck.Run(target.Pid));
        Enter(target, kind);
        Patience.Until(() => kind != "stopped" || TaskFiles.OfProcess(target.Pid).ReadStat()!.State == 'T', () => "the stop");
        SnapException finding = PreflightCheck.Run(target.Pid).First(one => one.Kind.Id == id);
        Assert.Contains(says, finding.Render(), StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("sysv", "S0407", "System V")]
    [InlineData("hugetlb", "S0407", "huge pages")]
    [InlineData("device", "S0407", "device")]
    [InlineData("files", "S0405", "descriptors of its own")]
    [InlineData("directory", "S0405", "working directory")]
    [InlineData("deadline", "S0406", "SCHED_DEADLINE")]
    [InlineData("policy", "S0406", "memory policy")]
    [InlineData("dispatch", "S0406", "turned into signals")]
    [InlineData("credentials", "S0406", "credentials")]
    [InlineData("cwd", "S0408", "working directory")]
    [InlineData("program", "S0408", "program")]
    [InlineData("library", "S0408", "mapped file")]
    public void The_frozen_look_finds_what_was_entered_since_the_live_one(string kind, string id, string says)
    {
        using Testing.Target target = Targets.Start("odd_state", "{dir}", kind);
        TracerThread.Run(() =>
        {
            using CollectTarget opened = CollectTarget.OpenOrGone(target.Pid)!;
            using var collector = new StateCollector(opened);
            collector.ReadLive();
            Assert.Empty(collector.Findings);
            Enter(target, kind);
            Assert.Equal(FreezeOutcome.Frozen, opened.Freezer.Freeze(Deadline.Never).Outcome);
            using (InjectionSession session = opened.Enter())
                collector.CollectFrozen(session);
            opened.Freezer.Thaw();
            SnapException finding = collector.Findings.First(one => one.Kind.Id == id);
            Assert.Contains(says, finding.Render(), StringComparison.Ordinal);
        });
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        Assert.Empty(target.Check());
    }

    [SkippableTheory]
    [InlineData("stopped", "S0208")]
    [InlineData("all_handlers", "S0412")]
    public void A_target_that_no_call_can_be_made_in_is_left_alone(string kind, string id)
    {
        using Testing.Target target = Targets.Start("odd_state", "{dir}", kind);
        Enter(target, kind);
        Patience.Until(() => kind != "stopped" || TaskFiles.OfProcess(target.Pid).ReadStat()!.State == 'T', () => "the stop");
        List<MapsEntry> before = TaskFiles.OfProcess(target.Pid).ReadMaps()!;
        TracerThread.Run(() =>
        {
            using CollectTarget opened = CollectTarget.OpenOrGone(target.Pid)!;
            Assert.Equal(FreezeOutcome.Frozen, opened.Freezer.Freeze(Deadline.Never).Outcome);
            Assert.Equal(id, Assert.Throws<SnapException>(opened.Enter).Kind.Id);
            opened.Freezer.Thaw();
        });
        Assert.Equal(before, TaskFiles.OfProcess(target.Pid).ReadMaps()!);
        if (kind == "stopped")
            target.Signal(Snap.Kernel.Abi.Signal.SIGCONT);
        Assert.Empty(target.Check());
    }

    [Fact]
    public void A_program_that_handles_what_calls_usually_stop_by_as_Go_does_is_collected_and_notices_nothing()
    {
        using Testing.Target target = Targets.Start("odd_state", "{dir}", "handlers");
        Enter(target, "handlers");
        Assert.All(Collected.Repeatedly(target.Pid, 20), collected => Assert.Empty(collected.Findings));
        Assert.Empty(target.Check());
    }

    [Theory]
    [InlineData("strict")]
    [InlineData("filter")]
    public void No_call_is_made_in_a_process_with_a_thread_under_seccomp(string mode)
    {
        using Testing.Target target = Targets.Start("seccomp", mode);
        TracerThread.Run(() =>
        {
            using CollectTarget opened = CollectTarget.OpenOrGone(target.Pid)!;
            Assert.Equal(FreezeOutcome.Frozen, opened.Freezer.Freeze(Deadline.Never).Outcome);
            Assert.Equal("S0402", Assert.Throws<SnapException>(opened.Enter).Kind.Id);
            opened.Freezer.Thaw();
        });
        Assert.Empty(target.Check());
    }

    private static void Enter(Testing.Target target, string kind)
    {
        target.Send("enter");
        if (kind == "chroot")
        {
            Patience.Until(() => TaskFiles.OfProcess(target.Pid).ReadRoot()?.Path != "/", () => "chroot");
            return;
        }

        string answer = target.ReadAnswer();
        Skip.If(answer.StartsWith("unavailable", StringComparison.Ordinal), answer);
        Assert.Equal("entered", answer);
    }
}

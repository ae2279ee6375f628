using Snap.Dumper.Preflight;
using Snap.Image;
using Snap.Testing;

namespace Snap.Dumper.Tests.Preflight;

/// <summary>Real programs in front of the preflight: what can be captured passes without a word, what can't is refused with the reason.</summary>
public sealed class PreflightProgramsTests
{
    [SkippableTheory]
    [InlineData("altstack", "inside")]
    [InlineData("avx_state", "")]
    [InlineData("blocking_calls", "")]
    [InlineData("brk_stack", "")]
    [InlineData("busy_writer", "4")]
    [InlineData("children", "live")]
    [InlineData("children", "zombie")]
    [InlineData("counter", "100 {dir}/log")]
    [InlineData("descriptors", "{dir}")]
    [InlineData("direct_io", "{dir}")]
    [InlineData("file_mappings", "{dir}")]
    [InlineData("locks", "{dir}")]
    [InlineData("mapping_advice", "")]
    [InlineData("memory_fuzz", "{dir} +shared +direct")]
    [InlineData("process_attributes", "{dir}")]
    [InlineData("pthreads", "")]
    [InlineData("rseq", "")]
    [InlineData("shared_memory", "")]
    [InlineData("signals", "")]
    [InlineData("sleeper", "3")]
    [InlineData("thread_churn", "")]
    [InlineData("timers", "")]
    [InlineData("tree", "")]
    [InlineData("zombies", "")]
    public void A_program_that_can_be_captured_passes(string name, string arguments)
    {
        using Target target = StartOrSkip(name, arguments);
        IReadOnlyList<SnapException> findings = PreflightCheck.Run(target.Pid);
        Assert.True(findings.Count == 0, string.Join('\n', findings.Select(finding => finding.Render())));
        Assert.Empty(target.Check());
    }

    [SkippableTheory]
    [InlineData("python")]
    [InlineData("node")]
    [InlineData("dotnet")]
    public void An_interpreter_passes(string kind)
    {
        using StepTarget target = StartOrSkip(kind);
        target.WaitForSteps(10);
        IReadOnlyList<SnapException> findings = PreflightCheck.Run(target.Pid);
        Assert.True(findings.Count == 0, string.Join('\n', findings.Select(finding => finding.Render())));
    }

    [SkippableTheory]
    [InlineData("socket", "socket")]
    [InlineData("socketpair", "socket")]
    [InlineData("inotify", "inotify")]
    [InlineData("io_uring", "io_uring")]
    [InlineData("userfaultfd", "userfaultfd")]
    [InlineData("pidfd", "pidfd")]
    [InlineData("perf", "perf")]
    [InlineData("bpf", "BPF")]
    [InlineData("memfd_secret", "secret")]
    [InlineData("fanotify", "fanotify")]
    [InlineData("deleted", "deleted")]
    [InlineData("fifo", "pipe")]
    [InlineData("terminal", "terminal")]
    [InlineData("namespace", "namespace")]
    [InlineData("tun", "tun")]
    [InlineData("aio", "aio")]
    public void An_odd_descriptor_is_refused_by_its_name(string kind, string says) => ExpectRefused(says, "odd_descriptors", $"{{dir}} {kind}");

    [SkippableTheory]
    [InlineData("dead_leader", "", "main thread")]
    [InlineData("locks", "{dir} lease", "lease")]
    [InlineData("seccomp", "strict", "seccomp")]
    [InlineData("vfork_child", "", "shares its memory")]
    public void A_state_that_cannot_be_captured_is_refused_with_its_reason(string name, string arguments, string says) => ExpectRefused(says, name, arguments);

    [SkippableFact]
    public void A_32_bit_process_is_refused()
    {
        Skip.IfNot(CompiledProgram.CanCompile32Bit, "gcc makes no 32-bit programs here");
        ExpectRefused("64-bit", "bits32", "");
    }

    private static void ExpectRefused(string says, string name, string arguments)
    {
        using Target target = StartOrSkip(name, arguments);
        IReadOnlyList<SnapException> findings = PreflightCheck.Run(target.Pid);
        string text = string.Join('\n', findings.Select(finding => finding.Render()));
        Assert.NotEmpty(findings);
        Assert.Contains(says, text, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(target.Check());
    }

    private static Target StartOrSkip(string name, string arguments)
    {
        try
        {
            return Target.Start(name, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        }
        catch (TargetUnavailableException unavailable)
        {
            Skip.If(true, unavailable.Message);
            throw;
        }
    }

    private static StepTarget StartOrSkip(string kind)
    {
        try
        {
            return StepTarget.Start(kind, 100000);
        }
        catch (TargetUnavailableException unavailable)
        {
            Skip.If(true, unavailable.Message);
            throw;
        }
    }
}

using Snap.Kernel.Processes;

namespace Snap.Testing.Tests;

/// <summary>A program that finds fault with itself when nobody has touched it would be no witness.</summary>
public sealed class ProgramsTests
{
    /// <summary>Every target program, with the arguments it is used with.</summary>
    public static TheoryData<string, string[]> Programs() => new()
    {
        { "altstack", [] },
        { "altstack", ["inside"] },
        { "avx_state", [] },
        { "avx_threads", ["8"] },
        { "blocking_calls", [] },
        { "brk_stack", [] },
        { "busy_writer", ["8", "1000", "2"] },
        { "children", ["live"] },
        { "children", ["zombie"] },
        { "children", ["churn"] },
        { "counter", ["100", "{dir}/log"] },
        { "dead_leader", [] },
        { "descriptors", ["{dir}"] },
        { "descriptors", ["{dir}", "closed"] },
        { "copy_on_write", [] },
        { "direct_io", ["{dir}"] },
        { "file_mappings", ["{dir}"] },
        { "locks", ["{dir}"] },
        { "locks", ["{dir}", "lease"] },
        { "mapping_advice", [] },
        { "mapping_advice", ["guard"] },
        { "masked_calls", [] },
        { "memory_fuzz", ["{dir}", "+shared", "+filewrite", "+guard"] },
        { "memory_fuzz", ["{dir}", "+direct"] },
        { "process_attributes", ["{dir}"] },
        { "pthreads", [] },
        { "rseq", [] },
        { "secret_memory", ["{dir}"] },
        { "seccomp", ["strict"] },
        { "seccomp", ["filter"] },
        { "shared_memory", [] },
        { "signals", [] },
        { "sleeper", ["3"] },
        { "thread_churn", [] },
        { "timers", [] },
        { "tree", [] },
        { "tree_changes", [] },
        { "tree_random", ["1"] },
        { "vfork_child", [] },
        { "zombies", [] },
    };

    [SkippableTheory]
    [MemberData(nameof(Programs))]
    public void An_undisturbed_program_finds_nothing_wrong_with_itself(string name, string[] arguments)
    {
        using Target target = StartOrSkip(name, arguments);
        for (int round = 0; round < 3; round++)
            Assert.Empty(target.Check());
        if (name == "vfork_child")
            Assert.Equal(["release"], target.Ask("release"));
        Assert.Equal(["bye"], target.Ask("exit"));
        Assert.Equal(0, target.WaitForEnd()!.Value.ShellCode);
    }

    [SkippableFact]
    public void A_32_bit_program_runs_if_the_machine_can_make_one()
    {
        Skip.IfNot(CompiledProgram.CanCompile32Bit, "gcc makes no 32-bit programs here");
        using Target target = Target.Start("bits32");
        Assert.Empty(target.Check());
        Assert.Equal(1, File.ReadAllBytes($"/proc/{target.Pid}/exe")[4]);
    }

    [SkippableTheory]
    [InlineData("python")]
    [InlineData("node")]
    [InlineData("dotnet")]
    public void A_computation_has_the_same_result_in_every_run_and_a_nonce_of_its_own(string kind)
    {
        string[] first = RunToTheEnd(kind), second = RunToTheEnd(kind);
        Assert.Equal(first[1], second[1]);
        Assert.NotEqual(first[0], second[0]);
    }

    [Fact]
    public void A_program_talks_through_pipes_as_well()
    {
        using PipeTarget target = PipeTarget.Start("counter", "0");
        Assert.Empty(target.Check());
        Assert.StartsWith("done 5000000 ", target.Ask("run 5000000")[^1], StringComparison.Ordinal);
        Assert.Equal(0, target.Child.Wait().ShellCode);
    }

    [Fact]
    public void A_target_whose_directory_is_gone_ends_by_itself()
    {
        Target target = Target.Start("sleeper");
        using ProcessHandle handle = ProcessHandle.OpenOrGone(target.Pid)!;
        Directory.Delete(target.Directory.Path, recursive: true);
        Assert.Equal(96, target.WaitForEnd()!.Value.ShellCode);
        target.Dispose();
        Assert.True(handle.HasExited);
    }

    [Fact]
    public void The_fingerprint_of_a_sleeper_does_not_change_and_shows_what_does()
    {
        using Target target = Target.Start("sleeper", "2");
        Fingerprint before = Fingerprint.OfIdle(target);
        Assert.Empty(Fingerprint.Differences(before, Fingerprint.Of(target.Pid)));
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        using ProcessHandle handle = ProcessHandle.OpenOrGone(target.Pid)!;
        handle.TrySignal(Kernel.Abi.Signal.SIGSTOP);
        Patience.Until(() => Fingerprint.FindHarm(target.Pid).Count == 3, "three stopped threads");
        Assert.NotEmpty(Fingerprint.Differences(before, Fingerprint.Of(target.Pid)));
        handle.TrySignal(Kernel.Abi.Signal.SIGCONT);
        Patience.Until(() => Fingerprint.Differences(before, Fingerprint.Of(target.Pid)).Count == 0, "the sleeper to be as before");
    }

    private static string[] RunToTheEnd(string kind)
    {
        try
        {
            using StepTarget target = StepTarget.Start(kind, 120, 0);
            Assert.Equal(0, target.WaitForEnd()!.Value.ShellCode);
            Assert.Equal(Enumerable.Range(1, 120), target.ReadSteps().Select(step => step.Number));
            return Assert.Single(target.ReadResults()).Split(' ');
        }
        catch (TargetUnavailableException unavailable)
        {
            Skip.If(true, unavailable.Message);
            throw;
        }
    }

    private static Target StartOrSkip(string name, string[] arguments)
    {
        try
        {
            return Target.Start(name, arguments);
        }
        catch (TargetUnavailableException unavailable)
        {
            Skip.If(true, unavailable.Message);
            throw;
        }
    }
}

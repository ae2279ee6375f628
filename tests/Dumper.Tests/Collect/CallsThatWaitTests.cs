using Snap.Testing;

namespace Snap.Dumper.Tests.Collect;

public sealed class CallsThatWaitTests
{
    // signal(7), "Interruption of system calls and library functions by stop signals": these fail with EINTR after a stop without any handler.
    private static readonly HashSet<string> _failByDesign =
    [
        "epoll_wait, time-out", "recv, SO_RCVTIMEO", "send, SO_SNDTIMEO", "accept, SO_RCVTIMEO", "semtimedop", "sigtimedwait",
    ];

    /// <summary>A thread sleeps in each call that can wait, while checkpoints are taken; then each has to return what it returns undisturbed.</summary>
    /// <remarks>What the kernel interrupts by design is exactly what docs/kernel.md lists.</remarks>
    [SkippableFact]
    public void A_sleeping_thread_notices_nothing_but_what_the_kernel_does_by_design()
    {
        using Testing.Target target = Targets.Start("waiting_calls");
        Targets.WaitUntilAllSleep(target.Pid);
        Assert.Equal(["done"], target.Ask("interrupted"));
        Collected.Repeatedly(target.Pid, 5, _ => Targets.WaitUntilAllSleep(target.Pid));
        Assert.Empty(target.Check());
        string[] interrupted = [.. target.Ask("interrupted").SkipLast(1)];
        Assert.Equal(_failByDesign.Order(StringComparer.Ordinal), interrupted.Order(StringComparer.Ordinal));
        Collected.Repeatedly(target.Pid, 2);
        Assert.Empty(target.Check());
        target.Ask("exit");
    }

    [Fact]
    public void What_the_kernel_interrupts_by_design_is_documented()
    {
        string document = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "docs", "kernel.md"));
        int start = document.IndexOf("## Calls that wait", StringComparison.Ordinal);
        string section = document[start..document.IndexOf("\n## ", start + 1, StringComparison.Ordinal)];
        Assert.All(_failByDesign, call => Assert.Contains($"`{call}`", section, StringComparison.Ordinal));
    }
}

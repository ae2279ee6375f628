using Snap.Image;
using Snap.Kernel.Injection;
using Snap.Testing;

namespace Snap.Dumper.Tests.Collect;

public sealed class StateCollectorTests
{
    [SkippableTheory]
    [InlineData("counter")]
    [InlineData("sleeper")]
    [InlineData("pthreads")]
    [InlineData("avx_state")]
    [InlineData("avx_threads")]
    [InlineData("altstack")]
    [InlineData("signals")]
    [InlineData("brk_stack")]
    [InlineData("rseq")]
    [InlineData("thread_churn")]
    [InlineData("busy_writer", "64")]
    public void A_program_is_collected_again_and_again_and_finds_itself_unchanged(string program, params string[] arguments)
    {
        using Testing.Target target = Start(program, arguments);
        Fingerprint? before = program == "sleeper" ? Fingerprint.Of(target.Pid) : null;
        IReadOnlyList<Collected> all = Collected.Repeatedly(target.Pid, 5);
        foreach (Collected collected in all)
        {
            Assert.Empty(collected.LiveFindings.Concat(collected.Findings).Select(finding => finding.Render()));
            byte[] bytes = ImageCodec.Encode(collected.Image!);
            Assert.Equal(bytes, ImageCodec.Encode(ImageCodec.Decode(bytes)));
        }

        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        if (before is not null)
            Assert.Empty(Fingerprint.Differences(before, Fingerprint.Of(target.Pid, (all[0].Agent, all[0].Agent + InjectionAgent.Length))));
        Assert.Single(all.Select(collected => collected.Agent).Distinct());
        Assert.Empty(target.Check());
    }

    internal static Testing.Target Start(string program, params string[] arguments)
    {
        try
        {
            return Testing.Target.Start(program, arguments);
        }
        catch (TargetUnavailableException missing)
        {
            Skip.If(true, missing.Message);
            throw;
        }
    }
}

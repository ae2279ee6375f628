using Snap.Testing;

namespace Snap.Restorer.Tests;

/// <summary>python3, node and .NET in a long computation, killed and brought back several times, and at last to its end.</summary>
public sealed class StepProgramTests
{
    private const int Steps = 400;

    [SkippableTheory]
    [InlineData("python")]
    [InlineData("node")]
    [InlineData("dotnet")]
    public void A_computation_goes_on_from_where_it_was_and_ends_with_the_same_result(string kind)
    {
        string undisturbed = Run(kind, target => { });
        string disturbed = Run(kind, target =>
        {
            for (int life = 1; life <= 3; life++)
            {
                target.WaitForSteps(target.ReadSteps().Count + 40);
                int before = target.ReadSteps().Count;
                Lives.Renew(target, new RestoreOptions { Files = FilesPolicy.Keep });
                target.WaitForSteps(before + 20);
                Assert.True(target.IsAlive, $"{kind} died in life {life}");
            }
        });
        Assert.Equal(undisturbed, disturbed);
    }

    [SkippableTheory]
    [InlineData("python")]
    [InlineData("node")]
    [InlineData("dotnet")]
    public void Every_moment_of_a_computation_can_be_brought_back_after_a_later_one(string kind)
    {
        Run(kind, target =>
        {
            var taken = new List<Capture>();
            for (int moment = 0; moment < 3; moment++)
            {
                target.WaitForSteps(target.ReadSteps().Count + 30);
                taken.Add(Capture.Of(target.Pid));
            }

            foreach (Capture moment in Enumerable.Reverse(taken))
            {
                target.Kill();
                int before = target.ReadSteps().Count;
                Lives.Restore(target, moment, new RestoreOptions { Files = FilesPolicy.Keep });
                target.WaitForSteps(before + 20);
                Assert.True(target.IsAlive, $"{kind} died");
            }
        });
    }

    /// <summary>Runs one to its end; the hash that it ended with.</summary>
    private static string Run(string kind, Action<StepTarget> meanwhile)
    {
        StepTarget started;
        try
        {
            started = StepTarget.Start(kind, Steps);
        }
        catch (TargetUnavailableException missing)
        {
            throw new SkipException(missing.Message);
        }

        using StepTarget target = started;
        meanwhile(target);
        Assert.Equal(0, target.WaitForEnd()!.Value.ExitCode);
        Assert.Single(target.ReadSteps().Select(step => step.Nonce).Distinct());
        string[] result = Assert.Single(target.ReadResults()).Split(' ');
        return result[1];
    }
}

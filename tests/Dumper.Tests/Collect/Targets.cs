using Snap.Testing;

namespace Snap.Dumper.Tests.Collect;

/// <summary>Starts targets; what a machine lacks for one is a visible skip.</summary>
internal static class Targets
{
    public static Testing.Target Start(string program, params string[] arguments) => OrSkip(() => Testing.Target.Start(program, arguments));

    public static StepTarget StartSteps(string kind, int steps) => OrSkip(() => StepTarget.Start(kind, steps));

    private static T OrSkip<T>(Func<T> start)
    {
        try
        {
            return start();
        }
        catch (TargetUnavailableException missing)
        {
            Skip.If(true, missing.Message);
            throw;
        }
    }
}

using Snap.Kernel.Procfs;
using Snap.Testing;

namespace Snap.Dumper.Tests.Collect;

/// <summary>Starts targets; what a machine lacks for one is a visible skip.</summary>
internal static class Targets
{
    public static Testing.Target Start(string program, params string[] arguments) => OrSkip(() => Testing.Target.Start(program, arguments));

    public static StepTarget StartSteps(string kind, int steps) => OrSkip(() => StepTarget.Start(kind, steps));

    /// <summary>Until each thread sleeps in a system call: after a freeze, in one that the kernel restarted.</summary>
    public static void WaitUntilAllSleep(int pid) => Patience.Until(
        () => TaskFiles.OfProcess(pid).ListThreads()!.All(tid => TaskFiles.OfThread(pid, tid).ReadBlockedCall() is { IsRunning: false, Number: >= 0 }),
        "all threads to sleep in system calls");

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

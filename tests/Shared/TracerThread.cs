using System.Runtime.ExceptionServices;

namespace Snap.Testing;

/// <summary>Runs what uses ptrace on a thread of its own; when that ends, however it ends, the kernel lets every tracee go.</summary>
public static class TracerThread
{
    /// <summary>Runs it to its end; what it throws is thrown here.</summary>
    public static void Run(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception caught)
            {
                failure = ExceptionDispatchInfo.Capture(caught);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }
}

using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Store;

namespace Snap.Engine.Rescue;

/// <summary>Which ends call for a rescue, how often, and how long to wait before each.</summary>
internal sealed class RescueBudget(RescueOptions options)
{
    /// <summary>Attempts in the present row.</summary>
    public int Attempts { get; private set; }

    /// <summary>
    /// True for a failure. False for a program that is done (exit code 0), and for signals by which people and services end one on purpose, also where it
    /// handles them and exits with 128 + the signal, as shells and virtual machines do.
    /// </summary>
    public static bool IsFailure(WaitStatus exit) => exit.WasKilled ? !IsOnPurpose(exit.KillSignal) : exit.ExitCode != 0 && !IsOnPurpose(exit.ExitCode - 128);

    /// <summary>True for signals that ask a program to end.</summary>
    public static bool IsOnPurpose(int signal) => signal is Signal.SIGHUP or Signal.SIGINT or Signal.SIGQUIT or Signal.SIGTERM or Signal.SIGPIPE;

    /// <summary>What is said when there may be no more attempts.</summary>
    public static SnapException GivenUp(SnapshotInfo snapshot, WaitStatus exit, int limit, SnapException? lastFailure) =>
        new(ErrorCatalogue.RescueGivenUp, FormattableString.Invariant($"the target {exit.Past}, and is not brought back: that has been tried {limit} times in a row"),
            snapshot.Name, lastFailure is null ? "it failed again soon after each restore" : $"the last attempt failed: {lastFailure.What}",
            $"see why it fails; `snap log {snapshot.Name}` lists what can be restored", lastFailure);

    /// <summary>The next attempt.</summary>
    /// <param name="ran">How long the target ran before it ended; zero after an attempt that failed.</param>
    /// <param name="delay">Time to wait before.</param>
    /// <returns>False if there have been as many as there may be.</returns>
    public bool TryNext(TimeSpan ran, out TimeSpan delay)
    {
        if (ran >= options.GoodRun)
            Attempts = 0;
        delay = TimeSpan.Zero;
        if (Attempts >= options.Limit)
            return false;
        double factor = Math.Pow(2, Math.Min(Attempts, 30));
        delay = options.FirstDelay * factor < options.LongestDelay ? options.FirstDelay * factor : options.LongestDelay;
        Attempts++;
        return true;
    }
}

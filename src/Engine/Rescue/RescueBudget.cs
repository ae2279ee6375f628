using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Store;

namespace Snap.Engine.Rescue;

/// <summary>Which ends call for a rescue, how often, and how long to wait before each attempt.</summary>
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

    /// <summary>Brings a target back, by as many attempts as it takes and may take.</summary>
    /// <param name="snapshot">From this one.</param>
    /// <param name="exit">How it ended.</param>
    /// <param name="ran">How long it ran before.</param>
    /// <param name="endsWithin">Waits before an attempt; true: there is to be none.</param>
    /// <param name="restore">One attempt; returns what differs from the original.</param>
    /// <param name="tell">Told of each attempt that failed.</param>
    /// <returns>Null if it was ended while it waited.</returns>
    /// <exception cref="SnapException">S0716: there may be no more attempts.</exception>
    public RescuedTarget? BringBack(SnapshotInfo snapshot, WaitStatus exit, TimeSpan ran, Func<TimeSpan, bool> endsWithin, Func<IReadOnlyList<string>> restore, Action<SnapException> tell)
    {
        SnapException? failure = null;
        for (; TryNext(ran, out TimeSpan delay); ran = TimeSpan.Zero)
        {
            if (endsWithin(delay))
                return null;
            try
            {
                return new RescuedTarget(snapshot, exit, Attempts, options.Limit, restore());
            }
            catch (SnapException failed)
            {
                tell(failure = failed);
            }
        }

        throw new SnapException(ErrorCatalogue.RescueGivenUp,
            FormattableString.Invariant($"the target {exit.Past}, and is not brought back: that has been tried {options.Limit} times in a row"), snapshot.Name,
            failure is null ? "it failed again soon after each restore" : $"the last attempt failed: {failure.What}",
            $"see why it fails; `snap log {snapshot.Name}` lists what can be restored", failure);
    }

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

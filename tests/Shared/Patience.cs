namespace Snap.Testing;

/// <summary>Waits for what must happen. The limit is far beyond what any machine needs: it tells a hang from a slow run, and is no measure of speed.</summary>
public static class Patience
{
    /// <summary>The limit of every wait.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(
        double.TryParse(Environment.GetEnvironmentVariable("SNAP_TEST_PATIENCE"), out double seconds) ? seconds : 60);

    /// <summary>Asks until <paramref name="happened"/> says yes.</summary>
    /// <param name="happened">Asked about once a millisecond, later less often.</param>
    /// <param name="what">For the message, as in 'waited 60 s for …'.</param>
    /// <exception cref="TimeoutException">It never did.</exception>
    public static void Until(Func<bool> happened, Func<string> what)
    {
        long start = Environment.TickCount64;
        for (int round = 0; !happened(); round++)
        {
            if (Environment.TickCount64 - start > Limit.TotalMilliseconds)
                throw new TimeoutException($"waited {Limit.TotalSeconds} s for {what()}");
            Thread.Sleep(round < 200 ? 1 : 10);
        }
    }

    /// <inheritdoc cref="Until(Func{bool}, Func{string})"/>
    public static void Until(Func<bool> happened, string what) => Until(happened, () => what);
}

using System.Globalization;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Restorer;
using Snap.Store;
using Snap.Testing;
using Xunit.Abstractions;

namespace Snap.Engine.Tests;

/// <summary>
/// Tracer processes that are killed at random moments of checkpoints: the target is whole, the session goes on with a new tracer, acknowledged snapshots are
/// restorable. SNAP_SEED repeats a history, as far as times can be repeated; SNAP_TRACER_DEATHS sets its length.
/// </summary>
public sealed class TracerDeathTests(ITestOutputHelper output)
{
    private static readonly int _deaths = Setting("SNAP_TRACER_DEATHS", 8);

    [Theory]
    [InlineData("counter")]
    [InlineData("pthreads")]
    [InlineData("avx_threads")]
    public void A_session_goes_on_whenever_its_tracer_is_killed(string program)
    {
        int seed = Setting("SNAP_SEED", Environment.TickCount & 0xFFFFFF);
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var live = new LiveEngine();
        using Target target = Target.Start(program);
        var acknowledged = new List<SnapshotInfo>();
        using (TargetSession session = live.Engine.Track(target.Pid, "tracked"))
        {
            for (int deaths = 0; deaths < _deaths;)
            {
                // One in four is killed in its first checkpoint, which arms the tracker and copies everything.
                if (random.Next(4) != 0 && Try(() => session.Take()) is { } taken)
                    acknowledged.Add(taken);
                if (Try(() => session.TryBegin(out PendingSnapshot? begun) ? begun : null) is not { } pending)
                    continue;
                using ProcessHandle? tracer = session.TracerPid is > 0 and int pid ? ProcessHandle.OpenOrGone(pid) : null;
                // Moments of a checkpoint are microseconds apart, and the whole of it lasts milliseconds: no timer of the runtime's is so fine.
                Spin(TimeSpan.FromMicroseconds(random.Next(random.Next(2) == 0 ? 3000 : 15000)));
                tracer?.TrySignal(Signal.SIGKILL);
                deaths++;
                if (Try(pending.Wait) is { } stored)
                    acknowledged.Add(stored);
                Patience.Until(() => Fingerprint.FindHarm(target.Pid).Count == 0, () => $"the target to be let go (seed {seed}): {string.Join("; ", Fingerprint.FindHarm(target.Pid))}");
                Assert.Empty(target.Check());
            }

            // The last death may be noticed only now.
            acknowledged.Add(Try(() => session.Take()) ?? session.Take());
        }

        Assert.Equal(acknowledged.Select(snapshot => snapshot.Id), live.Engine.Reader.Snapshots.Select(snapshot => snapshot.Id));
        foreach (SnapshotInfo snapshot in new[] { acknowledged[0], acknowledged[acknowledged.Count / 2], acknowledged[^1] })
        {
            using RestoredProcess restored = live.Restore(target, snapshot);
            Assert.Empty(target.Check());
        }
    }

    // A target that is still leaving the code of a tracer that was killed refuses the next one for a moment.
    private static T? Try<T>(Func<T> step)
        where T : class?
    {
        try
        {
            return step();
        }
        catch (SnapException refused) when (refused.Kind == ErrorCatalogue.TargetIsRecovering || refused.Kind == ErrorCatalogue.TracerLost)
        {
            return null;
        }
    }

    private static void Spin(TimeSpan time)
    {
        for (long start = System.Diagnostics.Stopwatch.GetTimestamp(); System.Diagnostics.Stopwatch.GetElapsedTime(start) < time;)
            Thread.SpinWait(20);
    }

    private static int Setting(string name, int value) =>
        Environment.GetEnvironmentVariable(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : value;
}

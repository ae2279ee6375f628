using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Restorer;
using Snap.Store;
using Snap.Testing;

namespace Snap.Engine.Tests;

/// <summary>Tracer processes that die while a watch goes on: the target is whole, the watch goes on with a new tracer, acknowledged snapshots are restorable.</summary>
public sealed class TracerDeathTests
{
    private const int Deaths = 20;

    [Theory]
    [InlineData("counter")]
    [InlineData("pthreads")]
    [InlineData("avx_threads")]
    public void A_watch_goes_on_whenever_its_tracer_is_killed(string program)
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        using var live = new LiveEngine();
        using Target target = Target.Start(program);
        var acknowledged = new List<SnapshotInfo>();
        using (TargetSession session = live.Engine.Track(target.Pid, "watched"))
        {
            for (int deaths = 0; deaths < Deaths;)
            {
                if (TryTake(session) is { } taken)
                    acknowledged.Add(taken);
                using ProcessHandle? tracer = session.TracerPid is > 0 and int pid ? ProcessHandle.OpenOrGone(pid) : null;
                if (tracer is null || !TryBegin(session, out PendingSnapshot? pending))
                    continue;
                new ManualResetEvent(false).WaitOne(TimeSpan.FromMicroseconds(random.Next(8000)));
                tracer.TrySignal(Signal.SIGKILL);
                deaths++;
                Task.WhenAny(pending!.Completion).Wait();
                if (pending.Completion.IsCompletedSuccessfully)
                    acknowledged.Add(pending.Completion.Result);
                Patience.Until(() => Fingerprint.FindHarm(target.Pid).Count == 0, () => $"the target to be let go (seed {seed}): {string.Join("; ", Fingerprint.FindHarm(target.Pid))}");
                Assert.Empty(target.Check());
            }
        }

        Assert.NotEmpty(acknowledged);
        Assert.Equal(acknowledged.Select(snapshot => snapshot.Id), live.Engine.Reader.Snapshots.Select(snapshot => snapshot.Id));
        foreach (SnapshotInfo snapshot in new[] { acknowledged[0], acknowledged[acknowledged.Count / 2], acknowledged[^1] })
        {
            using RestoredProcess restored = live.Restore(target, snapshot);
            Assert.Empty(target.Check());
        }
    }

    // A target that is still leaving the code of a tracer that was killed refuses the next one for a moment.
    private static SnapshotInfo? TryTake(TargetSession session)
    {
        try
        {
            return session.Take();
        }
        catch (SnapException refused) when (refused.Kind == ErrorCatalogue.TargetIsRecovering || refused.Kind == ErrorCatalogue.TracerLost)
        {
            return null;
        }
    }

    private static bool TryBegin(TargetSession session, out PendingSnapshot? pending)
    {
        pending = null;
        try
        {
            return session.TryBegin(out pending);
        }
        catch (SnapException refused) when (refused.Kind == ErrorCatalogue.TargetIsRecovering || refused.Kind == ErrorCatalogue.TracerLost)
        {
            return false;
        }
    }
}

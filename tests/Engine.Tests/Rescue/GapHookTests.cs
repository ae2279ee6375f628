using Snap.Engine.Rescue;
using Snap.Image;
using Snap.Testing;

namespace Snap.Engine.Tests.Rescue;

public sealed class GapHookTests : IDisposable
{
    private static readonly DateTimeOffset _start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly TemporaryDirectory _directory = new();
    private readonly List<SnapException> _failures = [];

    [Fact]
    public void The_command_runs_once_for_each_gap_that_lasts_and_is_told_what_it_is()
    {
        GapHook hook = Hook("echo \"$SNAP_PID $SNAP_NAME $SNAP_SINCE $SNAP_ERROR $SNAP_REASON\" >> {0}; touch {0}.$(wc -l < {0})");
        hook.Look(Status(null), _start);
        hook.Look(Status(_start), _start);
        hook.Look(Status(_start), _start.AddSeconds(1.9));
        hook.Look(Status(null), _start.AddSeconds(2.5));
        for (int second = 3; second < 10; second++)
            hook.Look(Status(_start), _start.AddSeconds(second));
        WaitFor("said.1");
        DateTimeOffset next = _start.AddMinutes(1);
        Patience.Until(
            () =>
            {
                hook.Look(Status(next), next.AddSeconds(2));
                return File.Exists(_directory["said.2"]);
            },
            "the second gap's command");
        string[] said = File.ReadAllLines(_directory["said"]);
        Assert.Equal(2, said.Length);
        Assert.Equal("4711 job 2026-03-01T12:00:00.0000000+00:00 S0301 it would not stop: it hangs", said[0]);
        Assert.Empty(_failures);
    }

    [Fact]
    public void A_command_that_fails_is_told()
    {
        GapHook hook = Hook("exit 3");
        hook.Look(Status(_start), _start.AddSeconds(2));
        Patience.Until(() => Failures().Length > 0, "the failure");
        SnapException failure = Assert.Single(Failures());
        Assert.Equal((ErrorCatalogue.HookFailed, "exited with 3"), (failure.Kind, failure.Why));
    }

    public void Dispose() => _directory.Dispose();

    private static WatchStatus Status(DateTimeOffset? since) => new()
    {
        Pid = 4711, Name = "job", Elapsed = TimeSpan.Zero, Snapshots = 0, Missed = 0, BytesStored = 0, PausesMicroseconds = [], Last = null, NotCapturedSince = since,
        Reason = since is null ? null : new SnapException(ErrorCatalogue.FreezeTimedOut, "it would not stop", why: "it hangs"), WaitsForRoom = false,
    };

    private GapHook Hook(string script) => new(string.Format(System.Globalization.CultureInfo.InvariantCulture, script, _directory["said"]), failure =>
    {
        lock (_failures)
            _failures.Add(failure);
    });

    private SnapException[] Failures()
    {
        lock (_failures)
            return [.. _failures];
    }

    private void WaitFor(string file) => Patience.Until(() => File.Exists(_directory[file]) || Failures().Length > 0, () => $"{file} to be made");
}

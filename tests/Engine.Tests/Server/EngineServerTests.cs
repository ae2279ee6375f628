using Snap.Engine.Api;
using Snap.Engine.Client;
using Snap.Image;
using Snap.Store;
using Snap.Testing;

namespace Snap.Engine.Tests.Server;

/// <summary>What comes through the socket is what an engine in the same process would have said.</summary>
public sealed class EngineServerTests
{
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(5);

    [Fact]
    public void A_taken_snapshot_comes_through_whole_and_its_tracer_stays_for_the_next()
    {
        using var served = new ServedEngine();
        SnapshotInfo first = served.Client.Take(new TakeOptions { Pid = served.Pid, Name = "job" });
        SnapshotInfo second = served.Client.Take(new TakeOptions { Pid = served.Pid, Durability = Durability.Relaxed });
        Assert.Equal(first.Id, second.Parent);
        Assert.Single(served.Model.Tracers);
        SnapshotInfo stored = served.Model.Engine.Reader.Snapshots[1];
        Assert.Equal((stored.Id, stored.Sequence, stored.Name, stored.Parent, stored.Time, stored.Statistics), (second.Id, second.Sequence, second.Name, second.Parent, second.Time, second.Statistics));
        Assert.Equal(SnapshotFacts.Of(stored).PauseMicroseconds, SnapshotFacts.Of(second).PauseMicroseconds);
        TrackedTarget kept = Assert.Single(served.Client.Targets());
        Assert.Equal((served.Pid, "job", (long?)null, (SnapshotId?)second.Id), (kept.Pid, kept.Name, kept.Watch, kept.Last));
    }

    [Fact]
    public void An_error_comes_through_with_all_its_parts()
    {
        using var served = new ServedEngine();
        SnapException failed = Assert.Throws<SnapException>(() => served.Client.Take(new TakeOptions { Pid = 4194301 }));
        Assert.Equal(ErrorCatalogue.TargetNotFound, failed.Kind);
        Assert.NotNull(failed.Where);
        Assert.NotNull(failed.Why);
        Assert.NotNull(failed.ToDo);
        Assert.Equal(ErrorCatalogue.NotWatched, Assert.Throws<SnapException>(() => served.Client.Unwatch(served.Pid)).Kind);
        Assert.Equal(ErrorCatalogue.SnapshotNotFound, Assert.Throws<SnapException>(() => served.Client.Untag("nothing")).Kind);
    }

    [Fact]
    public void Another_name_replaces_what_is_only_kept_and_is_refused_while_it_is_watched()
    {
        using var served = new ServedEngine();
        served.Client.Take(new TakeOptions { Pid = served.Pid, Name = "one" });
        Assert.Equal("two", served.Client.Take(new TakeOptions { Pid = served.Pid, Name = "two" }).Name);
        Assert.Equal("two", Assert.Single(served.Client.Targets()).Name);
        served.Client.WatchDetached(served.Pid, new WatchOptions { Every = _tick });
        Assert.Equal(ErrorCatalogue.NameInUse, Assert.Throws<SnapException>(() => served.Client.Take(new TakeOptions { Pid = served.Pid, Name = "three" })).Kind);
    }

    [Fact]
    public void A_watch_tells_each_snapshot_and_its_end()
    {
        using var served = new ServedEngine();
        var told = new List<SnapshotInfo>();
        WatchResult result = served.Client.Watch(served.Pid, new WatchOptions { Every = _tick, Count = 5, OnSnapshot = told.Add }, CancellationToken.None);
        Assert.Equal((WatchEnd.CountReached, 5L), (result.End, result.Status.Snapshots));
        Assert.Equal(served.Model.Engine.Reader.Snapshots.Select(snapshot => snapshot.Id), told.Select(snapshot => snapshot.Id));
        // Only what was taken by hand stays tracked.
        Assert.Empty(served.Client.Targets());
    }

    [Fact]
    public void A_watch_that_is_cancelled_ends_in_good_order()
    {
        using var served = new ServedEngine();
        using var stop = new CancellationTokenSource();
        WatchResult result = served.Client.Watch(served.Pid, new WatchOptions { Every = _tick, OnSnapshot = _ => stop.Cancel() }, stop.Token);
        Assert.Equal(WatchEnd.Cancelled, result.End);
        Assert.Equal(result.Status.Snapshots, served.Model.Engine.Reader.Snapshots.Count);
    }

    [Fact]
    public void A_watch_ends_when_its_client_is_gone_and_a_detached_one_does_not()
    {
        using var served = new ServedEngine();
        using (HttpExchange watching = HttpExchange.Send(SocketPlace.TryConnect(served.Model.StoreDirectory)!, "POST", "/v1/watches",
            System.Text.Encoding.UTF8.GetBytes($"{{\"pid\":{served.Pid},\"everyMilliseconds\":5}}")))
        {
            Assert.True(watching.TryReadHead());
            Assert.NotNull(watching.ReadBodyLine());
            Assert.Single(served.Client.Targets());
        }

        Patience.Until(() => served.Client.Targets().Count == 0, "the watch to end with its connection");
        served.Client.WatchDetached(served.Pid, new WatchOptions { Every = _tick });
        int count = served.Model.Engine.Reader.Snapshots.Count;
        Patience.Until(() => served.Model.Engine.Reader.Snapshots.Count > count + 2, "it to go on");
        Assert.True(Assert.Single(served.Client.Unwatch(served.Pid)).Snapshots > 0);
    }

    [Fact]
    public void What_builds_on_a_deleted_snapshot_begins_anew()
    {
        using var served = new ServedEngine();
        SnapshotInfo first = served.Client.Take(new TakeOptions { Pid = served.Pid });
        SnapshotInfo second = served.Client.Take(new TakeOptions { Pid = served.Pid });
        served.Client.Remove([second.Id.ToString()], dryRun: false);
        Assert.Equal(first.Id, served.Client.Take(new TakeOptions { Pid = served.Pid }).Parent);
        Assert.Equal(2, served.Model.Tracers.Count);
    }

    [Fact]
    public void Collections_and_tags_come_through()
    {
        using var served = new ServedEngine();
        served.Client.Watch(served.Pid, new WatchOptions { Every = _tick, Count = 4, Name = "job" }, CancellationToken.None);
        Assert.Equal("job", served.Client.Tag("job~2", "good").Name);
        GarbageReport report = served.Client.Collect(new CollectOptions { Policy = new RetentionPolicy { KeepLast = 1 }, DryRun = true });
        Assert.Equal((4, 2), (report.Decisions.Count, report.Decisions.Count(decision => decision.IsKept)));
        Assert.Equal(ErrorCatalogue.SnapshotNotFound, Assert.Throws<SnapException>(() => served.Client.Collect(new CollectOptions { Name = "nobody" })).Kind);
        served.Client.Untag("good");
        Assert.Equal(3, served.Client.Collect(new CollectOptions { Policy = new RetentionPolicy { KeepLast = 1 } }).Decisions.Count(decision => !decision.IsKept));
        Assert.Single(served.Model.Engine.Reader.Snapshots);
    }

    [Fact]
    public void It_ends_some_time_after_its_last_work_and_not_before()
    {
        using var served = new ServedEngine(TimeSpan.FromMilliseconds(50));
        served.Client.WatchDetached(served.Pid, new WatchOptions { Every = _tick });
        Patience.Until(() => served.Model.Engine.Reader.Snapshots.Count > 30, "many snapshots");
        Assert.False(served.HasEnded);
        Assert.Null(served.Client.Status().EndsAt);
        served.Client.Unwatch(served.Pid);
        Patience.Until(() => served.HasEnded, "the engine to end");
        Assert.Contains("nothing to do", File.ReadAllText(served.LogPath), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(served.Model.StoreDirectory, Protocol.SocketName)));
    }

    [Fact]
    public void It_ends_when_asked_but_not_if_that_is_only_for_an_idle_one_and_it_has_work()
    {
        using var served = new ServedEngine();
        served.Client.WatchDetached(served.Pid, new WatchOptions { Every = _tick });
        using HttpExchange refused = HttpExchange.Send(SocketPlace.TryConnect(served.Model.StoreDirectory)!, "POST", "/v1/stop", "{\"ifIdle\":true}"u8);
        Assert.True(refused.TryReadHead());
        Assert.Equal(409, refused.Status);
        using HttpExchange done = HttpExchange.Send(SocketPlace.TryConnect(served.Model.StoreDirectory)!, "POST", "/v1/stop", "{}"u8);
        Assert.True(done.TryReadHead());
        Assert.Equal(200, done.Status);
        Patience.Until(() => served.HasEnded, "the engine to end");
    }

    [Fact]
    public void Where_the_store_takes_no_socket_a_file_names_another_place()
    {
        using var runtime = new TemporaryDirectory();
        string? before = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        Environment.SetEnvironmentVariable("XDG_RUNTIME_DIR", runtime.Path);
        try
        {
            using var served = new ServedEngine(takesSockets: _ => false);
            Assert.False(File.Exists(Path.Combine(served.Model.StoreDirectory, Protocol.SocketName)));
            served.Client.Take(new TakeOptions { Pid = served.Pid });
            Assert.Single(Directory.GetFiles(runtime["snap"]));
        }
        finally
        {
            Environment.SetEnvironmentVariable("XDG_RUNTIME_DIR", before);
        }

        Assert.Empty(Directory.GetFiles(runtime["snap"]));
    }
}

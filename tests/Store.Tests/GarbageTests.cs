using Snap.Image;
using Snap.Store.Tests.Disk;
using Snap.Store.Tests.Model;

namespace Snap.Store.Tests;

public sealed class GarbageTests
{
    private static readonly StoreOptions _options = new() { SegmentBytes = 80_000 };

    // Goal: collection never hurts what is kept. Method: random histories with collections between commits and in the middle of them (a
    // builder is open that may have found dead content again), drops, tags, reopening; everything kept is compared with the model.
    [Theory]
    [InlineData(61)]
    [InlineData(62)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    public void Whatever_is_kept_reads_back_after_collections(int seed)
    {
        var disk = new CrashDisk();
        var history = new RandomHistory(seed, pagesPerSnapshot: 20);
        var random = new Random(seed);
        StoreWriter writer = StoreWriter.Open(disk, _options);
        for (int step = 0; step < 50; step++)
        {
            history.Step(writer, beforeCommit: () =>
            {
                if (random.Next(3) == 0)
                    history.Collect(writer);
            });
            if (random.Next(4) == 0)
                history.Collect(writer);
            if (random.Next(10) == 0)
            {
                writer.Dispose();
                writer = StoreWriter.Open(disk, _options);
            }
            history.AssertAll(writer.Reader);
        }
        writer.Dispose();
        using StoreReader reader = StoreReader.Open(disk);
        history.AssertAll(reader);
    }

    [Fact]
    public void Collection_gives_back_space_and_rewrites_at_most_twice_what_it_frees()
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, _options);
        byte[] pages = new byte[8 * PageRange.PageSize];
        var random = new Random(3);
        SnapshotId parent = SnapshotId.None;
        for (int i = 0; i < 60; i++)
        {
            random.NextBytes(pages);
            using SnapshotBuilder builder = writer.Begin("web", parent);
            builder.Put(new SpaceId(1), (ulong)(i % 20), pages);
            parent = builder.Commit(new SnapshotHeader("web", DateTimeOffset.UnixEpoch.AddSeconds(i)), "image"u8).Id;
        }
        var collect = new GarbageOptions { Policy = new RetentionPolicy { KeepLast = 2 } };
        GarbageReport plan = writer.CollectGarbage(collect with { DryRun = true });
        Assert.Equal(60, writer.Reader.Snapshots.Count);
        GarbageReport report = writer.CollectGarbage(collect);
        Assert.Equal(2, writer.Reader.Snapshots.Count);
        Assert.True(report.SegmentsRemoved > 0 && report.SegmentsRewritten > 0, report.ToString());
        Assert.True(report.BytesRewritten <= 2 * (report.BytesBefore - report.BytesAfter), report.ToString());
        Assert.InRange(report.BytesAfter, 1, report.BytesBefore / 4);
        Assert.InRange(report.BytesAfter, plan.BytesAfter / 2, plan.BytesAfter * 2);
        long onDisk = disk.Paths.Where(path => path.StartsWith("segments", StringComparison.Ordinal)).Sum(path => (long)disk.BytesOf(path).Length);
        Assert.Equal(report.BytesAfter, onDisk);
        GarbageReport again = writer.CollectGarbage(collect);
        Assert.Equal((0, 0), (again.SegmentsRemoved, again.SegmentsRewritten));
    }

    [Fact]
    public void A_lease_keeps_what_a_slow_reader_needs()
    {
        var disk = new CrashDisk();
        var history = new RandomHistory(71, pagesPerSnapshot: 30);
        using StoreWriter writer = StoreWriter.Open(disk, _options);
        for (int step = 0; step < 20; step++)
            history.Step(writer);
        (SnapshotId id, ModelSnapshot model) = history.Committed.First();
        StoreReader reader = StoreReader.Open(disk);
        SnapshotContent content = reader.OpenSnapshot(id);
        reader.Dispose();
        writer.Remove([id]);
        GarbageReport report = writer.CollectGarbage(new GarbageOptions { Policy = new RetentionPolicy { KeepLast = 1 } });
        Assert.True(report.FilesLeased > 0);
        model.AssertEqual(content);
        content.Dispose();
        Assert.Equal(0, writer.CollectGarbage(new GarbageOptions()).FilesLeased);
    }

    [Fact]
    public void Everything_is_deleted_only_with_the_explicit_flag()
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, _options);
        Commit(writer, 72);
        var all = new GarbageOptions { Policy = new RetentionPolicy { KeepEvery = [new KeepEvery(TimeSpan.FromHours(1), null)] } };
        writer.CollectGarbage(all);
        SnapshotInfo only = writer.Reader.Snapshots.Single();
        writer.Remove([only.Id]);
        Assert.Empty(writer.Reader.Snapshots);
        GarbageReport report = writer.CollectGarbage(new GarbageOptions());
        Assert.Equal(0, report.BytesAfter);
        Commit(writer, 73);
        var none = new GarbageOptions { Policy = RetentionPolicy.Parse("within=1ms") with { KeepWithin = TimeSpan.FromTicks(-1), KeepHourly = -1 } };
        Assert.Equal(ErrorCatalogue.WouldDeleteAll, Assert.Throws<SnapException>(() => writer.CollectGarbage(none)).Kind);
        Assert.Single(writer.Reader.Snapshots);
        writer.CollectGarbage(none with { MayDeleteAll = true });
        Assert.Empty(writer.Reader.Snapshots);
    }

    [Fact]
    public void A_tag_pins_its_snapshot()
    {
        var disk = new CrashDisk();
        var history = new RandomHistory(74);
        using StoreWriter writer = StoreWriter.Open(disk, _options);
        while (history.Committed.Count < 8)
            history.Step(writer);
        SnapshotId pinned = history.Committed.Keys.First();
        writer.Tag(pinned, "good");
        Assert.Equal(ErrorCatalogue.SnapshotPinned, Assert.Throws<SnapException>(() => writer.Remove([pinned])).Kind);
        GarbageReport report = writer.CollectGarbage(new GarbageOptions { Policy = new RetentionPolicy { KeepLast = 1 } });
        Assert.Contains(report.Decisions, decision => decision.Snapshot.Id == pinned && decision.IsKept && decision.Reason.Contains("tag good", StringComparison.Ordinal));
        using (SnapshotContent content = writer.Reader.OpenSnapshot(writer.Reader.Resolve("good", DateTimeOffset.UnixEpoch).Id))
            history.Committed[pinned].AssertEqual(content);
        Assert.True(writer.Untag("good"));
        writer.Remove([pinned]);
        Assert.Equal(ErrorCatalogue.SnapshotNotFound, Assert.Throws<SnapException>(() => writer.Reader.OpenSnapshot(pinned)).Kind);
    }

    [Fact]
    public void A_size_limit_drops_the_oldest_but_spares_tags_and_the_newest()
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, _options);
        byte[] pages = new byte[10 * PageRange.PageSize];
        var random = new Random(5);
        var ids = new List<SnapshotId>();
        for (int i = 0; i < 30; i++)
        {
            random.NextBytes(pages);
            using SnapshotBuilder builder = writer.Begin("web", SnapshotId.None);
            builder.Put(new SpaceId(1), 0, pages);
            ids.Add(builder.Commit(new SnapshotHeader("web", DateTimeOffset.UnixEpoch.AddSeconds(i)), "image"u8).Id);
        }
        writer.Tag(ids[3], "good");
        GarbageReport report = writer.CollectGarbage(new GarbageOptions { MaxBytes = 500_000 });
        Assert.InRange(report.BytesAfter, 300_000, 500_000);
        SnapshotId[] left = [.. writer.Reader.Snapshots.Select(snapshot => snapshot.Id)];
        Assert.Contains(ids[3], left);
        Assert.Contains(ids[^1], left);
        Assert.Equal(ids.TakeLast(left.Length - 1), left.Skip(1));
    }

    // Goal: a collection works on a full disk. Method: nothing can be written but what the reserve frees; then it has to succeed.
    [Fact]
    public void A_collection_works_on_a_full_disk()
    {
        var disk = new CrashDisk();
        var history = new RandomHistory(75, pagesPerSnapshot: 30);
        using StoreWriter writer = StoreWriter.Open(disk, _options);
        for (int step = 0; step < 25; step++)
            history.Step(writer);
        disk.CapacityBytes = disk.UsedBytes;
        Assert.Equal(ErrorCatalogue.StoreFull, Assert.Throws<SnapException>(() =>
        {
            for (int i = 0; i < 5; i++)
                history.Step(writer);
        }).Kind);
        foreach (SnapshotId old in history.Committed.Keys.Take(history.Committed.Count - 3).ToArray())
        {
            if (!history.Latest.ContainsValue(old))
                history.Committed.Remove(old);
        }
        long before = disk.UsedBytes;
        writer.CollectGarbage(new GarbageOptions { Policy = new RetentionPolicy { KeepLast = 3 } });
        Assert.True(disk.UsedBytes < before - 100_000, $"{before} -> {disk.UsedBytes}");
        history.AssertAll(writer.Reader, allowOthers: true);
        history.Step(writer);
    }

    [Theory]
    [InlineData("last=2", "e d")]
    [InlineData("within=90s", "e d")]
    [InlineData("every=1m", "e d c b")]
    [InlineData("every=1m/70s", "e d")]
    [InlineData("last=1 every=2m", "e c")]
    [InlineData("hourly=1", "e")]
    [InlineData("daily=3", "e")]
    [InlineData("last=1 tags", "e")]
    [InlineData("", "e d c b a")]
    public void A_policy_keeps_what_any_rule_keeps(string policy, string kept)
    {
        var start = new DateTimeOffset(2026, 11, 22, 21, 0, 0, TimeSpan.Zero);
        SnapshotInfo[] snapshots = [.. new[] { (0, "a"), (30, "b"), (60, "c"), (125, "d"), (150 + 30, "e") }.Select((moment, i) =>
            new SnapshotInfo(new SnapshotId((UInt128)(10 + i)), (ulong)i, moment.Item2, SnapshotId.None, start.AddSeconds(moment.Item1), new SnapshotStatistics(), default))];
        List<RetentionDecision> decisions = Garbage.Retention.Decide(snapshots, RetentionPolicy.Parse(policy), new Dictionary<SnapshotId, string>());
        Assert.Equal(kept, string.Join(' ', decisions.Where(decision => decision.IsKept).Select(decision => decision.Snapshot.Name).Reverse()));
        Assert.Equal(policy, RetentionPolicy.Parse(policy).ToString());
    }

    private static void Commit(StoreWriter writer, int seed)
    {
        var history = new RandomHistory(seed);
        while (history.Committed.Count == 0)
            history.Step(writer);
    }
}

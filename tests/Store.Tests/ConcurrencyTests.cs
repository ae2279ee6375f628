using Snap.Image;
using Snap.Store.Tests.Disk;
using Snap.Store.Tests.Model;

namespace Snap.Store.Tests;

public sealed class ConcurrencyTests
{
    private static readonly StoreOptions _options = new() { SegmentBytes = 60_000, ReserveBytes = 4096 };

    // Goal: a page that was found again in the index is never one that gc is removing. Method: builders on threads of their own commit pages
    // from a small pool, so that content which has just died comes back all the time, while this thread collects without a pause.
    [Theory]
    [MemberData(nameof(TestScale.Seeds), 31, 2, MemberType = typeof(TestScale))]
    public void Commits_that_revert_to_old_content_hold_while_collections_run(int seed)
    {
        const int MinCommits = 60, MaxCommits = 3000, MinRewritten = 3;
        var disk = new CrashDisk();
        byte[][] pool = [.. Enumerable.Range(0, 80).Select(i => Page(seed, i))];
        using StoreWriter writer = StoreWriter.Open(disk, _options);
        var models = new Dictionary<SnapshotId, int[]>();
        int rewritten = 0;
        Thread[] builders = [.. Enumerable.Range(0, 2).Select(number => new Thread(() => Build(number)))];
        foreach (Thread builder in builders)
            builder.Start();
        try
        {
            while (builders.Any(builder => builder.IsAlive))
            {
                GarbageReport report = writer.CollectGarbage(new GarbageOptions { Policy = new RetentionPolicy { KeepLast = 2 } });
                Assert.Empty(report.Problems);
                rewritten += report.SegmentsRewritten;
                CheckAll();
            }
        }
        finally
        {
            foreach (Thread builder in builders)
                builder.Join();
        }
        Assert.True(rewritten >= MinRewritten);
        CheckAll();
        Assert.True(writer.Reader.Verify(readData: true).IsWhole);

        void Build(int number)
        {
            var random = new Random(seed + number);
            SnapshotId parent = SnapshotId.None;
            int[] model = new int[12];
            for (int i = 0; i < MinCommits || (i < MaxCommits && Volatile.Read(ref rewritten) < MinRewritten); i++)
            {
                using SnapshotBuilder builder = writer.Begin($"name_{number}", parent);
                for (int changes = random.Next(1, 12); changes > 0; changes--)
                {
                    int at = random.Next(model.Length);
                    model[at] = random.Next(pool.Length);
                    builder.Put(new SpaceId(1), (ulong)at, pool[model[at]]);
                }
                parent = builder.Commit(new SnapshotHeader($"name_{number}", DateTimeOffset.UnixEpoch.AddSeconds(i)), "image"u8).Id;
                lock (models)
                    models.Add(parent, [.. model]);
            }
        }

        void CheckAll()
        {
            using StoreReader reader = StoreReader.Open(disk);
            byte[] page = new byte[PageRange.PageSize];
            foreach (SnapshotInfo info in reader.Snapshots)
            {
                int[]? model;
                lock (models)
                    models.TryGetValue(info.Id, out model);
                using SnapshotContent content = reader.OpenSnapshot(info.Id);
                foreach (PageRun run in content.Runs(new SpaceId(1)))
                {
                    for (ulong at = run.Range.First; at < run.Range.End; at++)
                    {
                        content.ReadPages(new SpaceId(1), at, page);
                        if (model is not null)
                            Assert.True(page.AsSpan().SequenceEqual(pool[model[at]]));
                    }
                }
            }
        }
    }

    // The same at the one place that matters most: the page is looked for after the mark, while its segment's next generation is written.
    [Fact]
    public void A_dead_page_of_a_segment_that_is_being_rewritten_is_not_found_again()
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, _options);
        byte[] old = Pages(1, 24);
        SnapshotId first = Commit(writer, "web", SnapshotId.None, old);
        byte[] changed = Pages(2, 24);
        old.AsSpan(0, PageRange.PageSize).CopyTo(changed);
        SnapshotId second = Commit(writer, "web", first, changed);
        Commit(writer, "filler", SnapshotId.None, Pages(3, 24));
        SnapshotId? late = null;
        disk.BeforeCreate = path =>
        {
            if (path != "segments/00000001.2")
                return;
            disk.BeforeCreate = null;
            late = Commit(writer, "job", SnapshotId.None, old);
        };
        GarbageReport report = writer.CollectGarbage(new GarbageOptions { Policy = new RetentionPolicy { KeepLast = 1 } });
        Assert.True(late is not null, $"segment 1 was not rewritten: {report}");
        AssertHolds(writer.Reader, late.Value, old);
        AssertHolds(writer.Reader, second, changed);
        Assert.True(writer.Reader.Verify(readData: true).IsWhole);
    }

    // Goal: blocks that threads share in a small cache are never mixed up. Method: all read random parts at once.
    [Fact]
    public void Threads_that_read_at_random_share_a_small_cache()
    {
        var disk = new CrashDisk();
        var history = new RandomHistory(33, pagesPerSnapshot: 20);
        using (StoreWriter writer = StoreWriter.Open(disk, new StoreOptions()))
        {
            for (int step = 0; step < 12; step++)
                history.Step(writer);
        }
        using var reader = StoreReader.Open(disk, cacheBytes: 3 * 16 * PageRange.PageSize);
        SnapshotId[] ids = [.. history.Committed.Keys];
        Parallel.For(0, 4, worker =>
        {
            var random = new Random(worker);
            for (int i = 0; i < 5; i++)
            {
                SnapshotId id = ids[random.Next(ids.Length)];
                using SnapshotContent content = reader.OpenSnapshot(id);
                history.Committed[id].AssertEqual(content);
            }
        });
    }

    private static byte[] Page(int seed, int number) => Pages((seed * 1000) + number, 1);

    private static byte[] Pages(int seed, int count)
    {
        byte[] pages = new byte[count * PageRange.PageSize];
        new Random(seed).NextBytes(pages);
        return pages;
    }

    private static SnapshotId Commit(StoreWriter writer, string name, SnapshotId parent, byte[] pages)
    {
        using SnapshotBuilder builder = writer.Begin(name, parent);
        builder.Put(new SpaceId(1), 0, pages);
        return builder.Commit(new SnapshotHeader(name, DateTimeOffset.UnixEpoch), "image"u8).Id;
    }

    private static void AssertHolds(StoreReader reader, SnapshotId id, byte[] pages)
    {
        byte[] read = new byte[pages.Length];
        using SnapshotContent content = reader.OpenSnapshot(id);
        content.ReadPages(new SpaceId(1), 0, read);
        Assert.True(read.AsSpan().SequenceEqual(pages));
    }
}

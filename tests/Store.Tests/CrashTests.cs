using Snap.Image;
using Snap.Store.Disk;
using Snap.Store.Tests.Disk;
using Snap.Store.Tests.Model;

namespace Snap.Store.Tests;

public sealed class CrashTests
{
    private static readonly StoreOptions _options = new() { SegmentBytes = 60_000, ReserveBytes = 4096 };

    // Goal: no power cut loses an acknowledged snapshot or yields one that differs. Method: the cut after every single change of a random
    // history of commits, collections, tags, deletions and reopenings; each with unsynced changes all lost, all kept, every subset of the
    // last three, and some torn at 512 bytes. At scale 1 a sample of the images; equal ones are tried once.
    [Theory]
    [MemberData(nameof(TestScale.Seeds), 11, 3, MemberType = typeof(TestScale))]
    public void Every_power_cut_keeps_every_acknowledged_snapshot(int seed) => CutEverywhere(seed, _options);

    // Relaxed, a commit is acknowledged when something else was synced; what wasn't may be gone, or is whole.
    [Theory]
    [MemberData(nameof(TestScale.Seeds), 14, 2, MemberType = typeof(TestScale))]
    public void Every_power_cut_leaves_a_whole_store_with_relaxed_durability(int seed) =>
        CutEverywhere(seed, _options with { Durability = Durability.Relaxed, RelaxedPeriod = TimeSpan.MaxValue });

    // The same with nothing left to sampling: every prefix, every subset of the last three unsynced changes with the others lost or kept.
    [Theory]
    [InlineData(17)]
    public void Every_image_of_a_small_history_is_whole(int seed) => CutEverywhere(seed, _options with { SegmentBytes = 20_000, ReserveBytes = 512 }, steps: 5, isExhaustive: true);

    private static void CutEverywhere(int seed, StoreOptions options, int steps = 14, bool isExhaustive = false)
    {
        bool isRelaxed = options.Durability == Durability.Relaxed;
        var disk = new CrashDisk();
        var history = new RandomHistory(seed, pagesPerSnapshot: 8);
        var random = new Random(seed);
        var acknowledged = new List<(int Changes, SnapshotId[] Ids)>();
        var durable = new HashSet<SnapshotId>();
        void Acknowledge(bool isSynced = true)
        {
            if (isSynced || !isRelaxed)
                durable.UnionWith(history.Committed.Keys);
            acknowledged.Add((disk.LoggedChanges, [.. history.Committed.Keys.Where(durable.Contains)]));
        }
        StoreWriter writer = StoreWriter.Open(disk, options);
        StoreReader? leased = null;
        Acknowledge();
        for (int step = 0; step < steps; step++)
        {
            bool collectsInside = random.Next(5) == 0;
            history.Step(writer, beforeCommit: () =>
            {
                if (!collectsInside)
                    return;
                history.Collect(writer);
                Acknowledge();
            });
            Acknowledge(isSynced: false);
            switch (random.Next(8))
            {
                case 0 or 1:
                    history.Collect(writer);
                    break;
                case 2:
                    history.Remove(writer);
                    break;
                case 3:
                    writer.Dispose();
                    Acknowledge();
                    writer = StoreWriter.Open(disk, options);
                    break;
                case 4:
                    leased?.Dispose();
                    leased = leased is null ? StoreReader.Open(disk) : null;
                    break;
            }
            Acknowledge(isSynced: false);
        }
        leased?.Dispose();
        writer.Dispose();
        var tried = new HashSet<(UInt128 Content, int Moment)>();
        for (int cut = 0; cut <= disk.LoggedChanges; cut++)
        {
            // What was acknowledged before the cut and isn't dropped by the step that it falls into.
            int moment = acknowledged.FindLastIndex(moment => moment.Changes <= cut);
            SnapshotId[] expected = moment < 0 ? [] : acknowledged[moment].Ids;
            if (moment >= 0 && moment + 1 < acknowledged.Count)
                expected = [.. expected.Intersect(acknowledged[moment + 1].Ids)];
            foreach (CrashDisk image in Images(disk, cut, random, isExhaustive || TestScale.IsExhaustive))
            {
                if (tried.Add((image.ContentHash(), moment)))
                    AssertHolds(image, history, expected, moment >= 0, $"seed {seed}, cut {cut}");
            }
        }
    }

    // Goal: a failing disk never hurts what was acknowledged, and the store goes on when the disk does. Method: the n-th change fails, once
    // or for good, for n = 0, 1, 2 … until a history ends unhurt; a sync that failed has lost its bytes, whatever later ones say. Relaxed, a
    // failed sync ends the writer: opened anew, the store has everything that can still be read.
    [Theory]
    [InlineData(21, false, false, DiskFailure.ENOSPC, Durability.Sync)]
    [InlineData(22, true, false, DiskFailure.EIO, Durability.Sync)]
    [InlineData(23, false, true, DiskFailure.EIO, Durability.Sync)]
    [InlineData(24, true, true, DiskFailure.ENOSPC, Durability.Sync)]
    [InlineData(25, false, false, DiskFailure.EIO, Durability.Relaxed)]
    [InlineData(26, true, true, DiskFailure.EIO, Durability.Relaxed)]
    public void The_nth_change_fails_and_nothing_acknowledged_is_hurt(int seed, bool forGood, bool shortWrites, int errno, Durability durability)
    {
        StoreOptions options = _options with { Durability = durability, RelaxedPeriod = TimeSpan.MaxValue };
        bool isHurt = true;
        for (int failAt = 0; isHurt; failAt++)
        {
            var disk = new CrashDisk { ShortWrites = shortWrites, FailErrno = errno };
            var history = new RandomHistory(seed, pagesPerSnapshot: 6);
            StoreWriter.Open(disk, options).Dispose();
            disk.FailAt = disk.ChangeCount + failAt;
            disk.FailForGood = forGood;
            StoreWriter writer = StoreWriter.Open(disk, options);
            try
            {
                int failures = StepsWithFailures(writer, history);
                isHurt = disk.ChangeCount > disk.FailAt;
                Assert.True(isHurt || failures == 0);
                disk.FailAt = int.MaxValue;
                if (durability == Durability.Relaxed)
                {
                    writer.Dispose();
                    writer = StoreWriter.Open(disk, options);
                }
                history.Step(writer);
                history.AssertAll(writer.Reader, allowOthers: true);
            }
            finally
            {
                writer.Dispose();
            }
            foreach (CrashDisk image in new[] { disk.Copy(), disk.After(disk.LoggedChanges, (_, _) => null) })
                AssertHolds(image, history, [.. history.Committed.Keys], true, $"seed {seed}, failing change {failAt}");
        }
    }

    [Fact]
    public void Kill_in_the_middle_of_a_commit_leaves_the_snapshots_before_it()
    {
        var disk = new CrashDisk();
        var history = new RandomHistory(31);
        StoreWriter writer = StoreWriter.Open(disk, _options);
        for (int step = 0; step < 10; step++)
        {
            history.Step(writer, beforeCommit: () =>
            {
                CrashDisk killed = disk.Copy();
                using StoreWriter next = StoreWriter.Open(killed, _options);
                history.AssertAll(next.Reader);
            });
        }
        writer.Dispose();
    }

    // A user would see a snapshot with pages of another one that was given up: its records lay at the same places, with the same lengths.
    [Fact]
    public void Older_bytes_at_the_same_places_do_not_make_a_commit()
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, new StoreOptions());
        using (SnapshotBuilder builder = writer.Begin("web", SnapshotId.None))
            builder.Commit(new SnapshotHeader("web", DateTimeOffset.UnixEpoch), default);
        // So many that the one that is given up has written some, past all that waits to be encoded.
        byte[] pages = new byte[300 * PageRange.PageSize];
        new Random(1).NextBytes(pages);
        using (SnapshotBuilder givenUp = writer.Begin("web", SnapshotId.None))
        {
            int unwritten = disk.LoggedChanges;
            givenUp.Put(new SpaceId(1), 0, pages);
            Assert.True(disk.LoggedChanges > unwritten);
        }
        new Random(2).NextBytes(pages);
        using SnapshotBuilder next = writer.Begin("web", SnapshotId.None);
        next.Put(new SpaceId(1), 0, pages);
        int before = disk.LoggedChanges;
        SnapshotInfo info = next.Commit(new SnapshotHeader("web", DateTimeOffset.UnixEpoch), default);
        // The moment when the commit record is written, and nothing synced.
        int cut = Enumerable.Range(before + 1, disk.LoggedChanges - before).MaxBy(moment => disk.UnsyncedAt(moment).Count);
        List<int> unsynced = disk.UnsyncedAt(cut);
        Assert.InRange(unsynced.Count, 3, 13);
        for (int subset = 0; subset < 1 << unsynced.Count; subset++)
        {
            CrashDisk image = disk.After(cut, (change, sectors) => (subset & (1 << unsynced.IndexOf(change))) != 0 ? All(sectors) : null);
            using StoreReader reader = StoreReader.Open(image);
            if (reader.Snapshots.All(snapshot => snapshot.Id != info.Id))
                continue;
            byte[] read = new byte[pages.Length];
            using SnapshotContent content = reader.OpenSnapshot(info.Id);
            content.ReadPages(new SpaceId(1), 0, read);
            Assert.Equal(pages, read);
        }
    }

    /// <summary>Steps and collections on a disk that fails now and then; what is acknowledged can be read at any time.</summary>
    private static int StepsWithFailures(StoreWriter writer, RandomHistory history)
    {
        int failures = 0;
        for (int step = 0; step < 12; step++)
        {
            try
            {
                history.Step(writer);
                if (step % 3 == 2)
                    failures += history.Collect(writer, allowProblems: true).Problems.Count;
            }
            catch (SnapException failure)
            {
                Assert.Contains(failure.Kind, new[] { ErrorCatalogue.StoreFull, ErrorCatalogue.StoreDisk });
                failures++;
                // Of a deletion that failed half-way, any part may have happened.
                foreach (SnapshotId gone in history.Committed.Keys.Where(id => writer.State.Find(id) is not { IsDropped: false }).ToArray())
                    history.Committed.Remove(gone);
            }
            history.AssertAll(writer.Reader, allowOthers: true);
        }
        return failures;
    }

    private static IEnumerable<CrashDisk> Images(CrashDisk disk, int cut, Random random, bool isExhaustive)
    {
        List<int> unsynced = disk.UnsyncedAt(cut);
        yield return disk.After(cut, (_, _) => null);
        if (unsynced.Count == 0)
            yield break;
        yield return disk.After(cut, (_, sectors) => All(sectors));
        List<int> last = [.. unsynced.TakeLast(3)];
        for (int choice = 0; choice < 2 << last.Count; choice++)
        {
            if (!isExhaustive && random.Next(3) != 0)
                continue;
            yield return disk.After(cut, (change, sectors) =>
            {
                int at = last.IndexOf(change);
                return (at < 0 ? (choice & 1) != 0 : (choice & (2 << at)) != 0) ? All(sectors) : null;
            });
        }
        for (int torn = 0; torn < (isExhaustive ? 3 : 2); torn++)
        {
            yield return disk.After(cut, (_, sectors) =>
            {
                if (random.Next(4) == 0)
                    return null;
                bool[] kept = new bool[sectors];
                for (int i = 0; i < sectors; i++)
                    kept[i] = random.Next(3) > 0;
                return kept;
            });
        }
    }

    private static bool[] All(int sectors) => [.. Enumerable.Repeat(true, sectors)];

    private static void AssertHolds(CrashDisk image, RandomHistory history, SnapshotId[] expected, bool isCreated, string where)
    {
        try
        {
            if (isCreated)
            {
                using StoreReader reader = StoreReader.Open(image);
                Check(reader, history, expected);
            }
            var another = new RandomHistory(5, pagesPerSnapshot: 4);
            using (StoreWriter writer = StoreWriter.Open(image, _options))
            {
                Check(writer.Reader, history, expected);
                VerifyReport report = writer.Reader.Verify(readData: true);
                Assert.True(report.IsWhole, string.Join('\n', report.Findings));
                while (another.Committed.Count == 0)
                    another.Step(writer);
            }
            using (StoreWriter collector = StoreWriter.Open(image, _options))
                Assert.Empty(collector.CollectGarbage(new GarbageOptions()).Problems);
            using StoreReader after = StoreReader.Open(image);
            Check(after, history, expected);
            another.AssertAll(after, allowOthers: true);
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"{where}: {failure.Message}", failure);
        }
    }

    private static void Check(StoreReader reader, RandomHistory history, SnapshotId[] expected)
    {
        foreach (SnapshotId id in expected)
        {
            using SnapshotContent content = reader.OpenSnapshot(id);
            history.Models[id].AssertEqual(content);
        }
        // What was never acknowledged may be there, but then it is whole.
        foreach (SnapshotInfo info in reader.Snapshots.Where(info => !expected.Contains(info.Id)))
        {
            using SnapshotContent content = reader.OpenSnapshot(info.Id);
            content.ReadImage();
            byte[] page = new byte[PageRange.PageSize];
            foreach (SpaceId space in content.Spaces)
            {
                foreach (PageRun run in content.Runs(space))
                    content.ReadPages(space, run.Range.First, page);
            }
            if (history.Models.TryGetValue(info.Id, out ModelSnapshot? model))
                model.AssertEqual(content);
        }
    }
}

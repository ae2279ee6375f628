using Snap.Image;
using Snap.Store.Tests.Disk;
using Snap.Store.Tests.Model;

namespace Snap.Store.Tests;

public sealed class VerifyTests
{
    [Fact]
    public void A_whole_store_verifies_after_histories_with_collections()
    {
        (CrashDisk disk, _) = Make(81, 30, collect: true);
        using StoreReader reader = StoreReader.Open(disk);
        foreach (bool readData in new[] { false, true })
        {
            VerifyReport report = reader.Verify(readData);
            Assert.True(report.IsWhole, string.Join('\n', report.Findings));
            Assert.Equal(reader.Snapshots.Count, report.Snapshots);
        }
    }

    // Goal: no single flipped bit goes unnoticed. Method: every byte of every file of a small store, one random bit of it; from scale 10 on
    // every bit. That none is ever returned as a page is DamageTests' part.
    [Theory]
    [MemberData(nameof(TestScale.Seeds), 82, 1, MemberType = typeof(TestScale))]
    public void Every_bit_flip_of_a_small_store_is_found(int seed)
    {
        (CrashDisk disk, _) = Make(seed, 5, collect: false);
        var random = new Random(seed);
        foreach (string path in disk.Paths.Where(path => path is not ("lock" or "leases" or "reserve")))
        {
            byte[] bytes = disk.BytesOf(path);
            Assert.NotEmpty(bytes);
            for (int at = 0; at < bytes.Length; at += bytes.Length > 20_000 && !TestScale.IsExhaustive ? 7 : 1)
            {
                int only = random.Next(8);
                for (int bit = 0; bit < 8; bit++)
                {
                    if (bit != only && !TestScale.IsExhaustive)
                        continue;
                    byte[] damaged = (byte[])bytes.Clone();
                    damaged[at] ^= (byte)(1 << bit);
                    disk.SetBytes(path, damaged);
                    Assert.True(IsFound(disk), $"bit {bit} of byte {at} of {path}");
                }
            }
            disk.SetBytes(path, bytes);
        }
        Assert.False(IsFound(disk));
    }

    // Goal: not one bit, of any kind of record that there is, goes unnoticed or is ever given to a restore. Method: all of them, in a store
    // that has one of each kind and is as small as it gets.
    [Fact]
    public void Not_one_bit_of_the_smallest_store_goes_unnoticed_or_is_restored()
    {
        (CrashDisk disk, Dictionary<SnapshotId, byte[]> given) = MakeSmallest();
        int flips = 0;
        foreach (string path in disk.Paths.Where(path => path is not ("lock" or "leases" or "reserve")))
        {
            byte[] bytes = disk.BytesOf(path);
            for (int bit = 0; bit < bytes.Length * 8; bit++)
            {
                byte[] damaged = (byte[])bytes.Clone();
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                disk.SetBytes(path, damaged);
                Assert.True(IsFound(disk), $"bit {bit % 8} of byte {bit / 8} of {path}");
                AssertNeverRestored(disk, given);
                flips++;
            }
            disk.SetBytes(path, bytes);
        }
        Assert.False(IsFound(disk));
        Assert.InRange(flips, 5_000, 60_000);
    }

    [Fact]
    public void Damage_is_named_by_snapshot_space_and_address()
    {
        var disk = new CrashDisk();
        byte[] pages = new byte[3 * PageRange.PageSize];
        new Random(1).NextBytes(pages);
        SnapshotInfo first, second, third;
        using (StoreWriter writer = StoreWriter.Open(disk, new StoreOptions()))
        {
            first = Commit(writer, "web", SnapshotId.None, builder => builder.Put(new SpaceId(3), 0x55, pages));
            second = Commit(writer, "web", first.Id, builder => builder.Zero(new SpaceId(3), new PageRange(0x56, 1)));
            third = Commit(writer, "other", SnapshotId.None, builder => builder.Put(new SpaceId(1), 1, new byte[4096]));
        }
        byte[] bytes = disk.BytesOf("segments/00000001.1");
        bytes[400] ^= 16;
        disk.SetBytes("segments/00000001.1", bytes);
        using StoreReader reader = StoreReader.Open(disk);
        Assert.True(reader.Verify(readData: false).IsWhole);
        VerifyReport report = reader.Verify(readData: true);
        Assert.Equal([first, second], report.Damaged);
        Assert.Contains(report.Findings, finding => finding.Snapshot?.Id == first.Id && finding.Pages == new PageRange(0x55, 3));
        Assert.Contains(report.Findings, finding => finding.Snapshot?.Id == second.Id && finding.Pages == new PageRange(0x55, 1));
        Assert.Contains(report.Findings, finding => finding.Snapshot?.Id == second.Id && finding.Pages == new PageRange(0x57, 1));
        Assert.DoesNotContain(report.Damaged, snapshot => snapshot.Id == third.Id);
    }

    [Fact]
    public void Statistics_add_up()
    {
        var disk = new CrashDisk();
        byte[] pages = new byte[20 * PageRange.PageSize];
        new Random(1).NextBytes(pages);
        using (StoreWriter writer = StoreWriter.Open(disk, new StoreOptions()))
        {
            SnapshotInfo first = Commit(writer, "web", SnapshotId.None, builder =>
            {
                builder.Put(new SpaceId(1), 0, pages);
                builder.Zero(new SpaceId(1), new PageRange(100, 5));
            });
            pages[7]++;
            Commit(writer, "web", first.Id, builder => builder.Put(new SpaceId(1), 0, pages));
        }
        using StoreReader reader = StoreReader.Open(disk);
        StoreStatistics statistics = reader.ReadStatistics();
        Assert.Equal(2 * 25 * 4096, statistics.LogicalBytes);
        Assert.Equal(2 * 5 * 4096, statistics.ZeroBytes);
        Assert.Equal(21 * 4096, statistics.UniqueBytes);
        Assert.Equal((1, 20), (statistics.Delta.Pages, statistics.Raw.Pages));
        Assert.InRange(statistics.Delta.Bytes, 20, 200);
        Assert.InRange(statistics.OtherBytes, 1, 4000);
        Assert.Equal(statistics.StoredBytes, statistics.Names.Single().SegmentBytes);
        Assert.Equal((2, 45L, 1L), (statistics.Names[0].Snapshots, statistics.Names[0].PagesGiven - 0, statistics.Names[0].PagesDelta));
    }

    private static bool IsFound(CrashDisk disk)
    {
        try
        {
            using StoreReader reader = StoreReader.Open(disk);
            return !reader.Verify(readData: true).IsWhole;
        }
        catch (SnapException damage)
        {
            Assert.Contains(damage.Kind, new[] { ErrorCatalogue.StoreDamaged, ErrorCatalogue.StoreTooNew });
            return true;
        }
    }

    /// <summary>A full and an incremental manifest, a plain and a delta block, images, hashes, slot tables, a tag, rules, a deleted snapshot.</summary>
    private static (CrashDisk Disk, Dictionary<SnapshotId, byte[]> Given) MakeSmallest()
    {
        var disk = new CrashDisk();
        var given = new Dictionary<SnapshotId, byte[]>();
        using StoreWriter writer = StoreWriter.Open(disk, new StoreOptions { ReserveBytes = 512 });
        byte[] pages = new byte[3 * PageRange.PageSize];
        for (int i = 0; i < pages.Length; i++)
            pages[i] = (byte)(i / 512);
        SnapshotInfo first = Commit(writer, "web", SnapshotId.None, builder => builder.Put(new SpaceId(1), 7, pages));
        given.Add(first.Id, pages);
        byte[] changed = (byte[])pages.Clone();
        changed[5000] = 99;
        SnapshotInfo second = Commit(writer, "web", first.Id, builder => builder.Put(new SpaceId(1), 7, changed));
        Assert.Equal(1, second.Statistics.PagesDelta);
        given.Add(second.Id, changed);
        writer.Tag(first.Id, "good");
        writer.SetPolicy("web", RetentionPolicy.Parse("last=9"));
        writer.Remove([Commit(writer, "job", SnapshotId.None, builder => builder.Zero(new SpaceId(1), new PageRange(0, 1))).Id]);
        return (disk, given);
    }

    /// <summary>Whatever can be read is what was given.</summary>
    private static void AssertNeverRestored(CrashDisk disk, Dictionary<SnapshotId, byte[]> given)
    {
        try
        {
            using StoreReader reader = StoreReader.Open(disk);
            foreach (SnapshotInfo info in reader.Snapshots)
            {
                try
                {
                    using SnapshotContent content = reader.OpenSnapshot(info.Id);
                    byte[] read = new byte[3 * PageRange.PageSize];
                    content.ReadPages(new SpaceId(1), 7, read);
                    Assert.True(!given.TryGetValue(info.Id, out byte[]? pages) || read.AsSpan().SequenceEqual(pages));
                    Assert.Equal("image"u8.ToArray(), content.ReadImage());
                }
                catch (SnapException damage) when (damage.Kind == ErrorCatalogue.StoreDamaged)
                {
                }
            }
        }
        catch (SnapException damage)
        {
            Assert.Contains(damage.Kind, new[] { ErrorCatalogue.StoreDamaged, ErrorCatalogue.StoreTooNew });
        }
    }

    private static (CrashDisk Disk, RandomHistory History) Make(int seed, int commits, bool collect)
    {
        var disk = new CrashDisk();
        var history = new RandomHistory(seed, pagesPerSnapshot: collect ? 20 : 3);
        using StoreWriter writer = StoreWriter.Open(disk, new StoreOptions { SegmentBytes = 100_000 });
        for (int done = 0; done < commits; done++)
        {
            history.Step(writer);
            if (collect && done % 6 == 5)
                history.Collect(writer);
        }
        return (disk, history);
    }

    private static SnapshotInfo Commit(StoreWriter writer, string name, SnapshotId parent, Action<SnapshotBuilder> give)
    {
        using SnapshotBuilder builder = writer.Begin(name, parent);
        give(builder);
        return builder.Commit(new SnapshotHeader(name, DateTimeOffset.UnixEpoch), "image"u8);
    }
}

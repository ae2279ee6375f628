using Snap.Image;
using Snap.Store.Tests.Disk;
using Snap.Store.Tests.Model;

namespace Snap.Store.Tests;

public sealed class RepairTests
{
    private static readonly StoreOptions _options = new() { SegmentBytes = 60_000, ReserveBytes = 4096 };

    // Goal: a repair ends in a whole store, and takes nothing that can be read. Method: random histories, some bytes of random files
    // overwritten; each snapshot that verify calls whole is there afterwards and equal to the model; none that is there differs from it.
    [Theory]
    [MemberData(nameof(TestScale.Seeds), 400, 12, MemberType = typeof(TestScale))]
    public void After_a_repair_the_store_is_whole_and_has_all_that_could_be_read(int seed)
    {
        (CrashDisk disk, RandomHistory history) = Make(seed, 20);
        var random = new Random(seed);
        string[] paths = [.. disk.Paths.Where(path => path is not ("lock" or "leases" or "reserve"))];
        for (int damage = random.Next(1, 5); damage > 0; damage--)
            Damage(disk, paths[random.Next(paths.Length)], random);
        SnapshotId[]? readable = Readable(disk);
        RepairReport plan = StoreWriter.Repair(disk, _options, dryRun: true);
        Assert.True(plan.After is null || plan.Before!.IsWhole);
        RepairReport report = StoreWriter.Repair(disk, _options, dryRun: false);
        Assert.True(report.After!.IsWhole, string.Join('\n', report.After.Findings));
        using StoreReader reader = StoreReader.Open(disk);
        foreach (SnapshotInfo info in reader.Snapshots)
        {
            using SnapshotContent content = reader.OpenSnapshot(info.Id);
            history.Models[info.Id].AssertEqual(content);
        }
        Assert.Empty((readable ?? []).Except(reader.Snapshots.Select(info => info.Id)));
        Assert.True(StoreWriter.Repair(disk, _options, dryRun: false).Before!.IsWhole);
        using StoreWriter writer = StoreWriter.Open(disk, _options);
        var more = new RandomHistory(seed + 1, pagesPerSnapshot: 4);
        while (more.Committed.Count < 2)
            more.Step(writer);
        more.AssertAll(writer.Reader, allowOthers: true);
    }

    [Fact]
    public void Content_that_is_written_again_heals_the_snapshots_that_lost_it()
    {
        var disk = new CrashDisk();
        byte[] pages = new byte[40 * PageRange.PageSize];
        new Random(5).NextBytes(pages);
        SnapshotInfo first, increment;
        using (StoreWriter writer = StoreWriter.Open(disk, new StoreOptions()))
        {
            first = Commit(writer, "web", SnapshotId.None, pages);
            byte[] changed = (byte[])pages.Clone();
            changed[123]++;
            increment = Commit(writer, "web", first.Id, changed);
        }
        byte[] bytes = disk.BytesOf("segments/00000001.1");
        bytes[400] ^= 1;
        bytes[70_000] ^= 1;
        disk.SetBytes("segments/00000001.1", bytes);
        using (StoreReader hurt = StoreReader.Open(disk))
            Assert.Equal([first.Id, increment.Id], hurt.Verify(readData: true).Damaged.Select(info => info.Id));
        using (StoreWriter writer = StoreWriter.Open(disk, new StoreOptions()))
            Commit(writer, "again", SnapshotId.None, pages);
        Assert.Equal(32, StoreWriter.Repair(disk, new StoreOptions(), dryRun: true).PagesHealed);
        RepairReport report = StoreWriter.Repair(disk, new StoreOptions(), dryRun: false);
        Assert.Empty(report.Dropped);
        Assert.Equal([first.Id, increment.Id], report.Healed.Select(info => info.Id));
        Assert.Equal(32, report.PagesHealed);
        Assert.True(report.After!.IsWhole);
        using StoreReader reader = StoreReader.Open(disk);
        byte[] read = new byte[pages.Length];
        using SnapshotContent content = reader.OpenSnapshot(first.Id);
        content.ReadPages(new SpaceId(1), 0, read);
        Assert.Equal(pages, read);
        using SnapshotContent later = reader.OpenSnapshot(increment.Id);
        later.ReadPages(new SpaceId(1), 0, read);
        Assert.Equal(pages[123] + 1, read[123]);
    }

    [Theory]
    [InlineData("catalog.1")]
    [InlineData("config")]
    [InlineData("leases")]
    [InlineData("lock")]
    public void A_file_of_the_stores_frame_that_is_gone_is_made_anew(string path)
    {
        (CrashDisk disk, RandomHistory history) = Make(501, 15, collect: false);
        disk.Unlink(path.StartsWith("catalog.", StringComparison.Ordinal) ? disk.Paths.Single(there => there.StartsWith("catalog.", StringComparison.Ordinal)) : path);
        RepairReport report = StoreWriter.Repair(disk, _options, dryRun: false);
        Assert.Empty(report.Dropped);
        Assert.True(report.After!.IsWhole, string.Join('\n', report.After.Findings));
        using StoreWriter writer = StoreWriter.Open(disk, _options);
        history.AssertAll(writer.Reader);
        history.Step(writer);
        history.AssertAll(writer.Reader);
    }

    private static (CrashDisk Disk, RandomHistory History) Make(int seed, int steps, bool collect = true)
    {
        var disk = new CrashDisk();
        var history = new RandomHistory(seed, pagesPerSnapshot: 12);
        using StoreWriter writer = StoreWriter.Open(disk, _options);
        for (int step = 0; step < steps; step++)
        {
            history.Step(writer);
            if (collect && step % 6 == 5)
                history.Collect(writer);
        }
        return (disk, history);
    }

    private static void Damage(CrashDisk disk, string path, Random random)
    {
        byte[] bytes = disk.BytesOf(path);
        switch (random.Next(4))
        {
            case 0:
                bytes = bytes[..random.Next(bytes.Length)];
                break;
            case 1:
                random.NextBytes(bytes.AsSpan(random.Next(bytes.Length / 2), bytes.Length / 4));
                break;
            default:
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                break;
        }
        disk.SetBytes(path, bytes);
    }

    /// <summary>What verify calls whole; null if it can't even begin.</summary>
    private static SnapshotId[]? Readable(CrashDisk disk)
    {
        try
        {
            using StoreReader reader = StoreReader.Open(disk);
            VerifyReport report = reader.Verify(readData: true);
            return [.. reader.Snapshots.Select(info => info.Id).Except(report.Damaged.Select(info => info.Id))];
        }
        catch (SnapException damage) when (damage.Kind == ErrorCatalogue.StoreDamaged)
        {
            return null;
        }
    }

    private static SnapshotInfo Commit(StoreWriter writer, string name, SnapshotId parent, byte[] pages)
    {
        using SnapshotBuilder builder = writer.Begin(name, parent);
        builder.Put(new SpaceId(1), 0, pages);
        return builder.Commit(new SnapshotHeader(name, DateTimeOffset.UnixEpoch), "image"u8);
    }
}

using Snap.Image;
using Snap.Store.Tests.Disk;
using Snap.Store.Tests.Model;

namespace Snap.Store.Tests;

public sealed class StoreModelTests
{
    private static readonly StoreOptions _small = new() { SegmentBytes = 200_000 };

    // Goal: whatever is given to the store comes back. Method: random histories against a plain dictionary, the store reopened now and then.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Every_snapshot_reads_back_as_the_model_says(int seed)
    {
        var disk = new CrashDisk();
        var history = new RandomHistory(seed);
        StoreWriter writer = StoreWriter.Open(disk, _small);
        for (int step = 0; step < 60; step++)
        {
            history.Step(writer);
            if (step % 13 == 12)
            {
                history.AssertAll(writer.Reader);
                writer.Dispose();
                writer = StoreWriter.Open(disk, _small);
            }
        }
        writer.Dispose();
        using StoreReader reader = StoreReader.Open(disk);
        history.AssertAll(reader);
    }

    [Fact]
    public void Equal_pages_are_stored_once_and_verified()
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, _small);
        byte[] page = new byte[4096];
        new Random(7).NextBytes(page);
        SnapshotInfo first = Commit(writer, "alpha", SnapshotId.None, builder =>
        {
            builder.Put(new SpaceId(1), 10, page);
            builder.Put(new SpaceId(2), 99, page);
        });
        Assert.Equal((1, 1), (first.Statistics.PagesStored, first.Statistics.PagesDeduplicated));
        SnapshotInfo second = Commit(writer, "beta", SnapshotId.None, builder => builder.Put(new SpaceId(1), 1, page));
        Assert.Equal((0, 1), (second.Statistics.PagesStored, second.Statistics.PagesDeduplicated));
        SnapshotInfo third = Commit(writer, "alpha", first.Id, builder => builder.Put(new SpaceId(1), 10, page));
        Assert.Equal((1, 0, 0), (third.Statistics.PagesUnchanged, third.Statistics.PagesStored, third.Statistics.PagesDeduplicated));
    }

    [Fact]
    public void A_page_put_twice_keeps_its_last_bytes_even_if_they_are_the_parents()
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, _small);
        byte[] old = new byte[4096];
        byte[] other = new byte[4096];
        (old[5], other[5]) = (1, 2);
        SnapshotInfo first = Commit(writer, "alpha", SnapshotId.None, builder => builder.Put(new SpaceId(1), 3, old));
        SnapshotInfo second = Commit(writer, "alpha", first.Id, builder =>
        {
            builder.Put(new SpaceId(1), 3, other);
            builder.Put(new SpaceId(1), 3, old);
        });
        using SnapshotContent content = writer.Reader.OpenSnapshot(second.Id);
        byte[] read = new byte[4096];
        content.ReadPages(new SpaceId(1), 3, read);
        Assert.Equal(old, read);
    }

    // What a fork costs: the child's pages are the parent's, or differ from them in a few bytes, under a hash that nothing tells of.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_forked_siblings_pages_are_stored_as_differences(bool isInSameSnapshot)
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, new StoreOptions());
        byte[] pages = new byte[320 * PageRange.PageSize];
        new Random(3).NextBytes(pages);
        byte[] child = (byte[])pages.Clone();
        for (int page = 0; page < 32; page++)
            child[(page * PageRange.PageSize) + 77]++;
        SnapshotInfo fork;
        if (isInSameSnapshot)
        {
            fork = Commit(writer, "alpha", SnapshotId.None, builder =>
            {
                builder.Put(new SpaceId(1), 1000, pages);
                builder.Put(new SpaceId(2), 1000, child);
            });
        }
        else
        {
            SnapshotInfo first = Commit(writer, "alpha", SnapshotId.None, builder => builder.Put(new SpaceId(1), 1000, pages));
            fork = Commit(writer, "alpha", first.Id, builder => builder.Put(new SpaceId(2), 1000, child));
        }
        Assert.Equal((288, 32), (fork.Statistics.PagesDeduplicated, fork.Statistics.PagesDelta));
        using SnapshotContent content = writer.Reader.OpenSnapshot(fork.Id);
        byte[] read = new byte[child.Length];
        content.ReadPages(new SpaceId(2), 1000, read);
        Assert.Equal(child, read);
    }

    private static SnapshotInfo Commit(StoreWriter writer, string name, SnapshotId parent, Action<SnapshotBuilder> give)
    {
        using SnapshotBuilder builder = writer.Begin(name, parent);
        give(builder);
        return builder.Commit(new SnapshotHeader(name, DateTimeOffset.UnixEpoch), "image"u8);
    }
}

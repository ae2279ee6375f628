using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Format;
using Snap.Store.Pages;
using Snap.Store.Tests.Disk;

namespace Snap.Store.Tests;

/// <summary>What reading any snapshot costs is bounded, however many came before it.</summary>
public sealed class FlatCostTests
{
    // Goal: the chain of manifests and the depth of deltas don't grow with the number of increments. Method: counted, not timed.
    [Fact]
    public void Reading_the_last_of_many_increments_reads_little_more_than_reading_the_first()
    {
        const int Pages = 64;
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, new StoreOptions());
        var random = new Random(1);
        byte[] memory = new byte[Pages * PageRange.PageSize];
        random.NextBytes(memory);
        SnapshotId parent = SnapshotId.None;
        for (int i = 0; i < 400; i++)
        {
            using SnapshotBuilder builder = writer.Begin("web", parent);
            for (int changes = 4; changes > 0; changes--)
            {
                int page = random.Next(Pages);
                Span<byte> bytes = memory.AsSpan(page * PageRange.PageSize, PageRange.PageSize);
                random.NextBytes(bytes.Slice(random.Next(PageRange.PageSize - 64), 64));
                builder.Put(new SpaceId(1), (ulong)page, bytes);
            }
            if (i == 0)
                builder.Put(new SpaceId(1), 0, memory);
            parent = builder.Commit(new SnapshotHeader("web", DateTimeOffset.UnixEpoch.AddSeconds(i)), default).Id;
            Manifest manifest = writer.Slots.ReadManifest(writer.State.Find(parent)!.Manifest);
            Assert.True(manifest.IsFull || manifest.ChainBytes <= manifest.FullBytes + 256);
        }
        StoreStatistics statistics = writer.Reader.ReadStatistics();
        // The block that holds the root, and six deltas of as many pages as changed together: far below the mebibyte that the format allows.
        Assert.InRange(statistics.MaxDecodedBytes, PageRange.PageSize, (BlockHead.MaxPages + (6 * 4)) * PageRange.PageSize);
        byte[] read = new byte[memory.Length];
        using SnapshotContent content = writer.Reader.OpenSnapshot(parent);
        content.ReadPages(new SpaceId(1), 0, read);
        Assert.True(read.AsSpan().SequenceEqual(memory));
    }

    // Goal: pages of which much changes each time, here and there, don't end as a block each, with as many below it: they begin anew, beside their
    // neighbours. Method: the blocks that reading the last version decodes are counted, with the rule and without.
    [Fact]
    public void Pages_that_cost_much_to_read_begin_anew_beside_their_neighbours()
    {
        (int with, long withBytes) = BlocksOfTheLast(new StoreOptions());
        (int without, long withoutBytes) = BlocksOfTheLast(new StoreOptions { WornDeltaBytes = int.MaxValue });
        Assert.InRange(with, 1, without / 2);
        Assert.InRange(withBytes, 1, withoutBytes * 6 / 5);

        static (int Blocks, long Bytes) BlocksOfTheLast(StoreOptions options)
        {
            const int Pages = 256;
            using StoreWriter writer = StoreWriter.Open(new CrashDisk(), options);
            var random = new Random(1);
            byte[] memory = new byte[Pages * PageRange.PageSize];
            for (int i = 0; i < memory.Length; i++)
                memory[i] = (byte)random.Next(8);
            SnapshotId parent = SnapshotId.None;
            long bytes = 0;
            for (int i = 0; i < 60; i++)
            {
                using SnapshotBuilder builder = writer.Begin("web", parent);
                for (int page = 0; page < Pages; page++)
                {
                    if (i > 0 && random.Next(2) == 0)
                        continue;
                    Span<byte> at = memory.AsSpan(page * PageRange.PageSize, PageRange.PageSize);
                    for (int words = 40; words > 0; words--)
                        BitConverter.TryWriteBytes(at[(random.Next(512) * 8)..], random.NextInt64());
                    builder.Put(new SpaceId(1), (ulong)page, at);
                }
                SnapshotInfo info = builder.Commit(new SnapshotHeader("web", DateTimeOffset.UnixEpoch.AddSeconds(i)), default);
                (parent, bytes) = (info.Id, bytes + info.Statistics.BytesStored);
            }
            var blocks = new HashSet<(uint, long)>();
            using SnapshotContent content = writer.Reader.OpenSnapshot(parent);
            foreach ((_, ulong value) in content.Maps[new SpaceId(1)].Ascending())
                AddBlocks(content.Slots, new SlotAddress(value), blocks);
            return (blocks.Count, bytes);
        }

        static void AddBlocks(SlotStore slots, SlotAddress address, HashSet<(uint, long)> blocks)
        {
            blocks.Add((address.Segment, slots.Locate(address, out SlotEntry entry).Segment == address.Segment ? entry.Offset : -1));
            using DecodedBlock block = slots.ReadBlock(address);
            if (block.Head.HasBase)
                AddBlocks(slots, block.Head.Base.Page(entry.IndexOf(address.Slot)), blocks);
        }
    }

    [Fact]
    public void A_collection_reads_each_manifest_once()
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, new StoreOptions());
        byte[] page = new byte[PageRange.PageSize];
        SnapshotId parent = SnapshotId.None;
        for (int i = 0; i < 50; i++)
        {
            page[i] = 1;
            using SnapshotBuilder builder = writer.Begin("web", parent);
            builder.Put(new SpaceId(1), (ulong)(i % 5), page);
            parent = builder.Commit(new SnapshotHeader("web", DateTimeOffset.UnixEpoch.AddSeconds(i)), default).Id;
        }
        var marker = new Garbage.Marker(writer.Slots);
        marker.Mark(writer.State.AllEntries(), entry => !entry.IsDropped);
        Assert.Equal(50, marker.ManifestsRead);
    }
}

using Snap.Image;
using Snap.Store.Index;
using Snap.Store.Tests.Disk;

namespace Snap.Store.Tests;

public sealed class DeduplicationTests
{
    private const int Pages = 40;

    // Goal: pages of one snapshot with one hash are compared wherever the first of them is: in an open group, waiting to be encoded, written. Method: the
    // builder is told that the second page's hash is the first's.
    [Theory]
    [InlineData(0)]
    [InlineData(3 * 16)]
    [InlineData(40 * 16)]
    public void Pages_of_one_snapshot_with_one_hash_are_told_apart(int pagesBetween)
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, new StoreOptions());
        byte[] first = RandomPages(1)[..4096], second = RandomPages(2)[..4096];
        using SnapshotBuilder builder = writer.Begin("web", SnapshotId.None);
        builder.Put(new SpaceId(1), 0, first);
        byte[] between = new byte[4096];
        for (int i = 0; i < pagesBetween; i++)
        {
            new Random(100 + i).NextBytes(between);
            builder.Put(new SpaceId(2), (ulong)i, between);
        }
        Dictionary<ulong, SlotAddress> hashes = HashesOf(builder);
        hashes[Hash(second)] = hashes[Hash(first)];
        builder.Put(new SpaceId(3), 0, second);
        SnapshotId id = builder.Commit(new SnapshotHeader("web", DateTimeOffset.UnixEpoch), default).Id;
        using SnapshotContent content = writer.Reader.OpenSnapshot(id);
        byte[] read = new byte[4096];
        content.ReadPages(new SpaceId(3), 0, read);
        Assert.Equal(second, read);

        ulong Hash(byte[] page) => (ulong)System.IO.Hashing.XxHash128.HashToUInt128(page, (long)writer.HashSeed);
    }

    [System.Runtime.CompilerServices.UnsafeAccessor(System.Runtime.CompilerServices.UnsafeAccessorKind.Field, Name = "_hashes")]
    private static extern ref Dictionary<ulong, SlotAddress> HashesOf(SnapshotBuilder builder);

    [Fact]
    public void Content_that_comes_back_after_it_was_replaced_is_stored_once()
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, new StoreOptions());
        byte[] first = RandomPages(1);
        SnapshotInfo one = Commit(writer, "web", SnapshotId.None, builder => builder.Put(new SpaceId(1), 0, first));
        SnapshotInfo two = Commit(writer, "web", one.Id, builder => builder.Put(new SpaceId(1), 0, RandomPages(2)));
        SnapshotInfo three = Commit(writer, "web", two.Id, builder => builder.Put(new SpaceId(1), 0, first));
        Assert.Equal((0, Pages), (three.Statistics.PagesStored, three.Statistics.PagesDeduplicated));
        AssertHolds(writer.Reader, three.Id, 0, first);
    }

    [Fact]
    public void Workers_of_one_program_at_other_addresses_share_their_pages()
    {
        var disk = new CrashDisk();
        byte[] program = RandomPages(1);
        using (StoreWriter writer = StoreWriter.Open(disk, new StoreOptions()))
            Commit(writer, "worker_1", SnapshotId.None, builder => builder.Put(new SpaceId(1), 1000, program));
        using StoreWriter again = StoreWriter.Open(disk, new StoreOptions());
        for (int i = 2; i < 6; i++)
        {
            ulong address = (ulong)(i * 7777);
            SnapshotInfo info = Commit(again, $"worker_{i}", SnapshotId.None, builder => builder.Put(new SpaceId(1), address, program));
            Assert.Equal((0, Pages), (info.Statistics.PagesStored, info.Statistics.PagesDeduplicated));
            AssertHolds(again.Reader, info.Id, address, program);
        }
    }

    [Fact]
    public void Zero_pages_cost_nothing()
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, new StoreOptions());
        SnapshotInfo none = Commit(writer, "web", SnapshotId.None, builder => builder.Put(new SpaceId(1), 0, new byte[PageRange.PageSize]));
        SnapshotInfo many = Commit(writer, "web", SnapshotId.None, builder =>
        {
            for (ulong at = 0; at < 4096; at += 256)
                builder.Put(new SpaceId(1), at, new byte[256 * PageRange.PageSize]);
        });
        Assert.Equal((4096, 4096, 0), (many.Statistics.PagesGiven, many.Statistics.PagesZero, many.Statistics.PagesStored));
        Assert.InRange(many.Statistics.BytesStored, 1, none.Statistics.BytesStored + 16);
    }

    // Goal: the index is never trusted. Method: one that answers each question with some page that is stored, mostly another one.
    [Fact]
    public void An_index_that_lies_costs_space_and_nothing_else()
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, new StoreOptions { MakeIndex = () => new LyingIndex() });
        var given = new Dictionary<SnapshotId, byte[]>();
        for (int i = 0; i < 6; i++)
        {
            byte[] pages = RandomPages(i % 3);
            SnapshotInfo info = Commit(writer, "web", SnapshotId.None, builder => builder.Put(new SpaceId(1), 0, pages));
            given.Add(info.Id, pages);
            Assert.True(info.Statistics.PagesStored > Pages / 2);
        }
        foreach ((SnapshotId id, byte[] pages) in given)
            AssertHolds(writer.Reader, id, 0, pages);
    }

    // A user would see a snapshot that can't be read: zstd takes a base that begins so for a trained dictionary.
    [Fact]
    public void A_base_that_begins_like_a_dictionary_of_zstds_is_a_base_like_any_other()
    {
        var disk = new CrashDisk();
        using StoreWriter writer = StoreWriter.Open(disk, new StoreOptions());
        byte[] pages = RandomPages(1);
        new byte[] { 0x37, 0xA4, 0x30, 0xEC }.CopyTo(pages, 0);
        SnapshotInfo one = Commit(writer, "web", SnapshotId.None, builder => builder.Put(new SpaceId(1), 0, pages));
        byte[] changed = (byte[])pages.Clone();
        changed[100]++;
        SnapshotInfo two = Commit(writer, "web", one.Id, builder => builder.Put(new SpaceId(1), 0, changed));
        Assert.Equal(1, two.Statistics.PagesDelta);
        AssertHolds(writer.Reader, two.Id, 0, changed);
    }

    private static byte[] RandomPages(int seed)
    {
        byte[] pages = new byte[Pages * PageRange.PageSize];
        new Random(seed).NextBytes(pages);
        return pages;
    }

    private static void AssertHolds(StoreReader reader, SnapshotId id, ulong first, byte[] pages)
    {
        byte[] read = new byte[pages.Length];
        using SnapshotContent content = reader.OpenSnapshot(id);
        content.ReadPages(new SpaceId(1), first, read);
        Assert.True(read.AsSpan().SequenceEqual(pages));
    }

    private static SnapshotInfo Commit(StoreWriter writer, string name, SnapshotId parent, Action<SnapshotBuilder> give)
    {
        using SnapshotBuilder builder = writer.Begin(name, parent);
        give(builder);
        return builder.Commit(new SnapshotHeader(name, DateTimeOffset.UnixEpoch), "image"u8);
    }

    private sealed class LyingIndex : IChunkIndex
    {
        private readonly List<SlotAddress> _addresses = [];
        private readonly Random _random = new(1);

        public bool TryFind(ulong hash, out SlotAddress address)
        {
            address = _addresses.Count > 0 ? _addresses[_random.Next(_addresses.Count)] : new SlotAddress(99, 99);
            return true;
        }

        public void Add(IReadOnlyCollection<KeyValuePair<ulong, SlotAddress>> pages) => _addresses.AddRange(pages.Select(page => page.Value));

        public void Dispose()
        {
        }
    }
}

using Snap.Image;
using Snap.Store.Tests.Model;

namespace Snap.Store.Tests;

public sealed class IndexTests
{
    private static readonly StoreOptions _large = new() { MemoryIndexPages = 0, IndexBytes = 8 << 20, SegmentBytes = 4 << 20 };

    [Fact]
    public void A_large_index_finds_pages_again_after_reopening_and_after_it_was_lost_or_damaged()
    {
        using var directory = new TemporaryDirectory();
        var progress = new List<string>();
        byte[] pages = new byte[5000 * PageRange.PageSize];
        var random = new Random(1);
        for (int at = 0; at < pages.Length; at += PageRange.PageSize)
            random.NextBytes(pages.AsSpan(at, 64));
        Assert.Equal(5000, Store("first").PagesStored);
        // The first pages are stored before the index is asked: opening it takes longer than a small checkpoint may.
        SnapshotStatistics second = Store("second");
        Assert.InRange(second.PagesDeduplicated, 2900, 5000);
        string index = Path.Combine(directory.Store, "index");
        Assert.True(File.Exists(Path.Combine(index, "absorbed")));
        Assert.InRange(Store("third").PagesDeduplicated, 2900, 5000);
        Assert.Empty(progress);
        Directory.Delete(index, recursive: true);
        Assert.InRange(Store("fourth").PagesDeduplicated, 2900, 5000);
        Assert.Contains("building the index of stored pages", progress);
        foreach (string file in Directory.EnumerateFiles(index, "*", SearchOption.AllDirectories))
        {
            byte[] bytes = File.ReadAllBytes(file);
            for (int i = 0; i < bytes.Length; i += 97)
                bytes[i] ^= 0x55;
            File.WriteAllBytes(file, bytes);
        }
        Store("fifth");
        using StoreReader reader = StoreReader.Open(directory.Store);
        byte[] read = new byte[pages.Length];
        foreach (SnapshotInfo info in reader.Snapshots)
        {
            using SnapshotContent content = reader.OpenSnapshot(info.Id);
            content.ReadPages(new SpaceId(1), 0, read);
            Assert.True(read.AsSpan().SequenceEqual(pages));
        }

        SnapshotStatistics Store(string name)
        {
            progress.Clear();
            using StoreWriter writer = StoreWriter.Open(directory.Store, _large with { Progress = progress.Add });
            using SnapshotBuilder builder = writer.Begin(name, SnapshotId.None);
            builder.Put(new SpaceId(1), 0, pages);
            return builder.Commit(new SnapshotHeader(name, DateTimeOffset.UnixEpoch), "image"u8).Statistics;
        }
    }

    // Goal: an index larger than its memory finds everything, and keeps to its budget. Method: FasterKV's part in memory is far smaller.
    [Fact]
    public void An_index_larger_than_its_memory_finds_every_page_also_after_reopening()
    {
        using var directory = new TemporaryDirectory();
        const int Count = 400_000;
        string path = Path.Combine(directory.Path, "index");
        var state = new Catalog.CatalogState();
        var segments = new Snap.Store.Segments.SegmentSet(new Snap.Store.Disk.PosixDisk(directory.Path), state);
        using (Index.FasterIndex index = Index.FasterIndex.Open(path, segments, state, Count, budgetBytes: 6 << 20, null))
        {
            for (int from = 0; from < Count; from += 10_000)
                index.Add([.. Enumerable.Range(from, 10_000).Select(i => KeyValuePair.Create(Hash(i), new SlotAddress(1, (uint)i)))]);
            Check(index);
            index.Absorb(state, force: true);
        }
        Assert.All(Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        Assert.True(Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length) > 6 << 20);
        using Index.FasterIndex again = Index.FasterIndex.Open(path, segments, state, Count, budgetBytes: 6 << 20, null);
        Check(again);

        static ulong Hash(int i) => (ulong)(i + 1) * 0x9E3779B97F4A7C15;

        static void Check(Index.FasterIndex index)
        {
            for (int i = 0; i < Count; i += 37)
            {
                Assert.True(index.TryFind(Hash(i), out SlotAddress address));
                Assert.Equal(new SlotAddress(1, (uint)i), address);
                Assert.False(index.TryFind(Hash(i) + 1, out _));
            }
        }
    }

    [Fact]
    public void Histories_with_collections_read_back_with_a_large_index()
    {
        using var directory = new TemporaryDirectory();
        var history = new RandomHistory(91, pagesPerSnapshot: 30);
        for (int round = 0; round < 3; round++)
        {
            using StoreWriter writer = StoreWriter.Open(directory.Store, _large with { SegmentBytes = 150_000 });
            for (int step = 0; step < 15; step++)
            {
                history.Step(writer);
                if (step % 5 == 4)
                    history.Collect(writer);
            }
            history.AssertAll(writer.Reader);
        }
    }
}

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

    // Goal: whenever a process is killed while it makes a checkpoint, the next one finds every page, from the checkpoint before or from the segments. Method:
    // index directories are put together from those before and after a checkpoint: each file as it was, as it became, or written up to some place; the file that
    // says what the checkpoint holds comes last, and is the old one.
    [Fact]
    public void A_kill_at_any_write_of_a_checkpoint_loses_no_page_of_the_index()
    {
        using var directory = new TemporaryDirectory();
        string index = Path.Combine(directory.Path, "index");
        Commit(1);
        Dictionary<string, byte[]> before = Checkpoint();
        Commit(2);
        Dictionary<string, byte[]> after = Checkpoint();
        Assert.NotEqual(before["absorbed"], after["absorbed"]);
        string[] files = [.. before.Keys.Union(after.Keys).Where(file => file != "absorbed").Order(StringComparer.Ordinal)];
        Assert.True(files.Length > 2);
        var rebuilt = new HashSet<bool>();
        for (int seed = 0; seed < 24 * TestScale.Value; seed++)
        {
            var random = new Random(seed);
            Directory.Delete(index, recursive: true);
            Write("absorbed", before["absorbed"]);
            // The first are those in which all is old, or all is new but the word that it is.
            foreach (string file in files)
                Write(file, seed == 0 ? before.GetValueOrDefault(file) : seed == 1 ? after.GetValueOrDefault(file) : Torn(before.GetValueOrDefault(file), after.GetValueOrDefault(file), random));
            var progress = new List<string>();
            Find(progress);
            rebuilt.Add(progress.Count > 0);
        }
        Assert.Contains(false, rebuilt);

        void Commit(int number)
        {
            using StoreWriter writer = StoreWriter.Open(directory.Store);
            using SnapshotBuilder builder = writer.Begin("web", SnapshotId.None);
            byte[] page = new byte[PageRange.PageSize];
            for (int i = 0; i < 3000; i++)
            {
                BitConverter.TryWriteBytes(page, (number * 10_000) + i);
                builder.Put(new SpaceId(1), (ulong)i, page);
            }
            builder.Commit(new SnapshotHeader("web", DateTimeOffset.UnixEpoch), default);
        }

        Dictionary<string, byte[]> Checkpoint()
        {
            Find([]);
            return Directory.EnumerateFiles(index, "*", SearchOption.AllDirectories).ToDictionary(file => Path.GetRelativePath(index, file), File.ReadAllBytes);
        }

        // Every page of the store is found where it is; what was added is in a checkpoint.
        void Find(List<string> progress)
        {
            using StoreReader reader = StoreReader.Open(directory.Store);
            var segments = reader.Version.Slots.Segments;
            using Index.FasterIndex opened = Index.FasterIndex.Open(index, segments, reader.Version.State, 6000, 8 << 20, progress.Add);
            int pages = 0;
            foreach (KeyValuePair<ulong, SlotAddress> stored in reader.Version.State.AllSegments().SelectMany(segment => Index.HashReader.Read(segments, segment)).SelectMany(part => part))
            {
                Assert.True(opened.TryFind(stored.Key, out SlotAddress address));
                Assert.Equal(stored.Value, address);
                pages++;
            }
            Assert.Equal(3000 * reader.Snapshots.Count, pages);
            opened.Absorb(reader.Version.State, force: true);
        }

        void Write(string file, byte[]? bytes)
        {
            string path = Path.Combine(index, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            if (bytes is not null)
                File.WriteAllBytes(path, bytes);
        }

        static byte[]? Torn(byte[]? old, byte[]? next, Random random)
        {
            int kind = random.Next(3);
            if (kind == 0 || next is null)
                return old;
            if (kind == 1)
                return next;
            int cut = Math.Min(next.Length, random.Next((next.Length / 512) + 1) * 512);
            return [.. next[..cut], .. old is not null && old.Length > cut ? old[cut..] : []];
        }
    }
}

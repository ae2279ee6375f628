// What grows with a store: its catalog, and the index of its pages.
using System.Diagnostics;
using System.Globalization;
using Snap.Image;
using Snap.Store;
using Snap.Store.Catalog;
using Snap.Store.Disk;
using Snap.Store.Index;
using Snap.Store.Segments;

namespace Snap.Bench;

internal static class ScaleBench
{
    private const int Rounds = 9;

    /// <summary><c>[SNAPSHOTS [ENTRIES]]</c></summary>
    public static int Run(string[] args)
    {
        int snapshots = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 10_000;
        int entries = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 4_000_000;
        string directory = Directory.CreateTempSubdirectory("snap-scale-").FullName;
        try
        {
            Open(Path.Combine(directory, "store"), snapshots);
            foreach (long budget in new[] { 96L << 20, 24L << 20 })
                Lookups(Path.Combine(directory, $"index-{budget}"), entries, budget);
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void Open(string path, int snapshots)
    {
        string[] names = ["web", "worker", "cache", "batch"];
        byte[] page = new byte[PageRange.PageSize];
        var latest = new Dictionary<string, SnapshotId>();
        using (StoreWriter store = StoreWriter.Open(path, new StoreOptions { Durability = Durability.Relaxed }))
        {
            for (int i = 0; i < snapshots; i++)
            {
                string name = names[i % names.Length];
                BitConverter.TryWriteBytes(page, i + 1);
                using SnapshotBuilder builder = store.Begin(name, latest.GetValueOrDefault(name, SnapshotId.None));
                builder.Put(new SpaceId(1), (ulong)(i % 1000), page);
                latest[name] = builder.Commit(new SnapshotHeader(name, DateTimeOffset.UnixEpoch.AddSeconds(i)), "image"u8).Id;
            }
        }
        var reader = new List<double>();
        var writer = new List<double>();
        for (int round = 0; round < Rounds; round++)
        {
            reader.Add(Timed(() =>
            {
                using StoreReader store = StoreReader.Open(path);
                if (store.Snapshots.Count != snapshots)
                    throw new InvalidOperationException("snapshots are missing");
                store.Resolve("web~100", DateTimeOffset.UnixEpoch);
            }));
            writer.Add(Timed(() => StoreWriter.Open(path).Dispose()));
        }
        Write($"{snapshots} snapshots: opened, listed and searched in {Text(reader)} ms; for writing in {Text(writer)} ms; in this process first {reader[0]:0.0} ms; catalog {new DirectoryInfo(path).EnumerateFiles("catalog.*").Sum(file => file.Length) / 1024} KiB");
    }

    private static void Lookups(string path, int entries, long budget)
    {
        var state = new CatalogState();
        var segments = new SegmentSet(new PosixDisk(Path.GetDirectoryName(path)!), state);
        long before = Resident();
        using (FasterIndex index = FasterIndex.Open(path, segments, state, entries, budget, null))
        {
            const int Batch = 1 << 16;
            double added = Timed(() =>
            {
                for (int from = 0; from < entries; from += Batch)
                    index.Add([.. Enumerable.Range(from, Math.Min(Batch, entries - from)).Select(i => KeyValuePair.Create(Hash(i), new SlotAddress(1, (uint)i)))]);
            });
            const int Lookups = 200_000;
            var random = new Random(4711);
            int found = 0;
            double recent = Timed(() => found += Find(index, Lookups, _ => entries - 1 - random.Next(entries / 20)));
            double anywhere = Timed(() => found += Find(index, Lookups / 4, _ => random.Next(entries)));
            double missing = Timed(() => found += Find(index, Lookups, i => entries + i));
            if (found != Lookups + (Lookups / 4))
                throw new InvalidOperationException($"the index found {found}");
            Write($"index of {entries} pages ({entries / 262144.0:0.0} GiB), budget {budget >> 20} MiB: {(Resident() - before) / 1048576.0:0} MiB resident, log {Directory.EnumerateFiles(path).Sum(file => new FileInfo(file).Length) >> 20} MiB; a second: {entries / added:0} thousand added, {Lookups / recent:0} thousand of the newest twentieth found, {Lookups / 4 / anywhere:0} thousand of all, {Lookups / missing:0} thousand misses");
            Write($"  checkpoint {Timed(() => index.Absorb(state, force: true)):0} ms");
        }
        Write($"  opened again in {Timed(() => FasterIndex.Open(path, segments, state, entries, budget, null).Dispose()):0} ms");
    }

    private static int Find(FasterIndex index, int count, Func<int, int> which)
    {
        int found = 0;
        for (int i = 0; i < count; i++)
            found += index.TryFind(Hash(which(i)), out _) ? 1 : 0;
        return found;
    }

    private static ulong Hash(int i) => (ulong)(i + 1) * 0x9E3779B97F4A7C15;

    private static long Resident()
    {
        GC.Collect();
        return Environment.WorkingSet;
    }

    private static double Timed(Action step)
    {
        long begun = Stopwatch.GetTimestamp();
        step();
        return Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
    }

    private static string Text(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return string.Create(CultureInfo.InvariantCulture, $"{sorted[sorted.Length / 2]:0.0} ({sorted[0]:0.0}-{sorted[^1]:0.0})");
    }

    private static void Write(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

// A thousand increments that dirty 1 % each, then gc to the last hundred.
using System.Diagnostics;
using System.Globalization;
using Snap.Image;
using Snap.Store;

namespace Snap.Bench;

internal static class IncrementsBench
{
    private const int Seed = 4711;

    /// <summary>Makes, reads, collects: <c>[COUNT [MIB [SCHEME…]]]</c>.</summary>
    public static int Run(string[] args)
    {
        int count = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1000;
        int pages = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) * 256 : 64 * 256;
        string directory = Directory.CreateTempSubdirectory("snap-increments-").FullName;
        try
        {
            Console.WriteLine($"seed {Seed}, {count} increments of {pages / 256} MiB that dirty 1 % each (most in a few words a page, one in ten wholly)");
            string[] schemes = args.Length > 2 ? args[2..] : ["tree"];
            foreach (string scheme in schemes)
            {
                Console.WriteLine($"scheme {scheme}");
                string path = Path.Combine(directory, scheme);
                (byte[] first, byte[] last) = Make(path, Options(scheme), count, pages);
                for (int round = 0; round < 5; round++)
                    Write($"reading back: first {ReadBack(path, 1, first):0.0} ms, last {ReadBack(path, (ulong)count, last):0.0} ms");
                Collect(path, count);
            }
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Only makes the store.</summary>
    public static int MakeOnly(string path, int count, int mebibytes)
    {
        Make(path, new StoreOptions(), count, mebibytes * 256);
        return 0;
    }

    /// <summary>Only reads one snapshot, again and again: what a profiler looks at.</summary>
    public static int ReadOnly(string path, ulong sequence, int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            using StoreReader fresh = StoreReader.Open(path);
            SnapshotInfo info = fresh.Snapshots.Single(snapshot => snapshot.Sequence == sequence);
            long begun = Stopwatch.GetTimestamp();
            using (SnapshotContent content = fresh.OpenSnapshot(info.Id))
            {
                double opened = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
                StoreWork.ReadAll(content, (_, _) => { });
                Write($"opened after {opened:0.0} ms, read after {Stopwatch.GetElapsedTime(begun).TotalMilliseconds:0.0} ms");
            }
        }
        return 0;
    }

    /// <summary>What a delta's base is: of a chain the version before, of a star one far back; the tree is what the store does, tree:BYTES:DEPTH
    /// with other bounds.</summary>
    private static StoreOptions Options(string scheme) => scheme.Split(':') switch
    {
        ["chain"] => new StoreOptions { DeltaSiblingBytes = 0, MaxDeltaDepth = 200 },
        ["worn", var bytes] => new StoreOptions { WornDeltaBytes = int.Parse(bytes, CultureInfo.InvariantCulture) },
        ["star"] => new StoreOptions { DeltaSiblingBytes = int.MaxValue, MaxDeltaDepth = 1 },
        [_, var bytes, var depth] => new StoreOptions
        {
            DeltaSiblingBytes = int.Parse(bytes, CultureInfo.InvariantCulture),
            MaxDeltaDepth = int.Parse(depth, CultureInfo.InvariantCulture),
        },
        _ => new StoreOptions(),
    };

    /// <returns>What the first and the last snapshot hold.</returns>
    private static (byte[] First, byte[] Last) Make(string path, StoreOptions options, int count, int pages)
    {
        var random = new Random(Seed);
        byte[] memory = new byte[pages * PageRange.PageSize];
        for (int page = 0; page < pages; page++)
            Fill(memory.AsSpan(page * PageRange.PageSize, PageRange.PageSize), random);
        byte[] firstMemory = (byte[])memory.Clone();
        var commits = new List<double>();
        long firstBytes = 0, laterBytes = 0;
        using (StoreWriter store = StoreWriter.Open(path, options))
        {
            SnapshotId parent = SnapshotId.None;
            for (int i = 0; i < count; i++)
            {
                long begun = Stopwatch.GetTimestamp();
                using SnapshotBuilder builder = store.Begin("work", parent);
                if (i == 0)
                    builder.Put(new SpaceId(1), 0, memory);
                else
                    Dirty(memory, pages, random, page => builder.Put(new SpaceId(1), (ulong)page, memory.AsSpan(page * PageRange.PageSize, PageRange.PageSize)));
                SnapshotInfo info = builder.Commit(new SnapshotHeader("work", DateTimeOffset.UnixEpoch.AddSeconds(i)), "image"u8);
                commits.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
                parent = info.Id;
                if (i == 0)
                    firstBytes = info.Statistics.BytesStored;
                else
                    laterBytes += info.Statistics.BytesStored;
            }
        }
        using StoreReader reader = StoreReader.Open(path);
        StoreStatistics statistics = reader.ReadStatistics();
        Write($"first {firstBytes / 1048576.0:0.0} MiB, increments {laterBytes / 1024.0 / (count - 1):0.0} KiB each, {laterBytes / (double)(count - 1) / (pages / 100.0):0} bytes a dirty page");
        Write($"manifests {100.0 * statistics.ManifestBytes / statistics.StoredBytes:0.0} % of the store, at most {statistics.MaxDecodedBytes / 1024} KiB decoded to read a page");
        double[] sorted = [.. commits.Skip(1).Order()];
        Write($"an increment takes {sorted[sorted.Length / 2]:0.00} ms (median), {sorted[sorted.Length * 99 / 100]:0.00} ms (99 %)");
        return (firstMemory, memory);
    }

    private static void Collect(string path, int count)
    {
        using StoreWriter collector = StoreWriter.Open(path);
        long start = Stopwatch.GetTimestamp();
        GarbageReport report = collector.CollectGarbage(new GarbageOptions { Policy = new RetentionPolicy { KeepLast = Math.Max(1, count / 10) } });
        Write($"gc to the last tenth: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0} ms, {(report.BytesBefore - report.BytesAfter) / 1048576.0:0.0} of {report.BytesBefore / 1048576.0:0.0} MiB freed, {report.BytesRewritten / 1048576.0:0.0} MiB rewritten");
    }

    /// <summary>Restores the whole of one snapshot with cold caches of ours, and compares.</summary>
    private static double ReadBack(string path, ulong sequence, byte[] expected)
    {
        using StoreReader fresh = StoreReader.Open(path);
        SnapshotInfo info = fresh.Snapshots.Single(snapshot => snapshot.Sequence == sequence);
        byte[] into = new byte[expected.Length];
        long begun = Stopwatch.GetTimestamp();
        using (SnapshotContent content = fresh.OpenSnapshot(info.Id))
            StoreWork.ReadAll(content, (part, at) => part.CopyTo(into.AsSpan((int)at)));
        double took = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        if (!into.AsSpan().SequenceEqual(expected))
            throw new InvalidOperationException($"snapshot {sequence} gave other bytes back");
        return took;
    }

    private static void Fill(Span<byte> page, Random random)
    {
        for (int i = 0; i + 8 <= page.Length; i += 8)
            BitConverter.TryWriteBytes(page[i..], i % 32 == 0 ? random.NextInt64() & 0xFFFFFFFFFF : 0x7f00_0000_0000 + random.Next(1 << 12) * 16);
    }

    private static void Dirty(byte[] memory, int pages, Random random, Action<int> give)
    {
        foreach (int page in Enumerable.Range(0, pages / 100).Select(_ => random.Next(pages)).Distinct().Order())
        {
            Span<byte> bytes = memory.AsSpan(page * PageRange.PageSize, PageRange.PageSize);
            if (random.Next(10) == 0)
                Fill(bytes, random);
            for (int words = random.Next(1, 8); words > 0; words--)
                BitConverter.TryWriteBytes(bytes[(random.Next(512) * 8)..], random.NextInt64());
            give(page);
        }
    }

    private static void Write(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

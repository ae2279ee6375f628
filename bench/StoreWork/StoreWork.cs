// The store's part of a comparison as a process of its own, so that its CPU time is measured like a peer's:
//   store-add STORE DIR VERSION all|dirty   adds the images of one version, as an increment of the one before
//   store-read STORE VERSION INTO           writes them back as files
using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Snap.Image;
using Snap.Store;

namespace Snap.Bench;

internal static class StoreWork
{
    private const int BatchPages = 256;
    private const int PartPages = 256;

    public static int Add(string storeDirectory, string images, int version, bool dirtyOnly)
    {
        using StoreWriter store = StoreWriter.Open(storeDirectory);
        foreach (string name in ImageFiles.Names(images))
            AddOne(store, images, name, version, dirtyOnly);
        return 0;
    }

    /// <summary>Adds one image; of a later version, pages that are gone are dropped.</summary>
    public static SnapshotInfo AddOne(StoreWriter store, string images, string name, int version, bool dirtyOnly)
    {
        SnapshotInfo? parent = store.Reader.Snapshots.LastOrDefault(snapshot => snapshot.Name == name);
        using SnapshotBuilder builder = store.Begin(name, parent?.Id ?? SnapshotId.None);
        using FileStream image = File.OpenRead(ImageFiles.PathOf(images, version, name + ".img"));
        List<PageRange> runs = Runs(images, name, version);
        if (parent is not null)
        {
            foreach (PageRange gone in Gone(Runs(images, name, version - 1), runs))
                builder.Drop(new SpaceId(1), gone);
        }
        bool[]? dirty = dirtyOnly && version > 1 ? File.ReadAllBytes(ImageFiles.PathOf(images, version, name + ".dirty")).Select(flag => flag != 0).ToArray() : null;
        byte[] buffer = new byte[BatchPages * PageRange.PageSize];
        long at = 0;
        foreach (PageRange run in runs)
        {
            for (ulong done = 0; done < run.Count;)
            {
                int count = (int)Math.Min(BatchPages, run.Count - done);
                if (dirty is null || Array.IndexOf(dirty, true, (int)at, count) >= 0)
                {
                    image.Position = at * PageRange.PageSize;
                    image.ReadExactly(buffer, 0, count * PageRange.PageSize);
                    PutDirty(builder, run.First + done, buffer, count, dirty, at);
                }
                (done, at) = (done + (ulong)count, at + count);
            }
        }
        return builder.Commit(new SnapshotHeader(name, DateTimeOffset.UnixEpoch.AddSeconds(version)), default);
    }

    public static int Read(string storeDirectory, int version, string into)
    {
        using StoreReader store = StoreReader.Open(storeDirectory);
        Directory.CreateDirectory(into);
        SnapshotInfo[] wanted = [.. store.Snapshots.Where(snapshot => snapshot.Sequence == (ulong)version)];
        var contents = new SnapshotContent[wanted.Length];
        var files = new SafeFileHandle[wanted.Length];
        try
        {
            Parallel.For(0, wanted.Length, i =>
            {
                contents[i] = store.OpenSnapshot(wanted[i].Id);
                files[i] = File.OpenHandle(Path.Combine(into, wanted[i].Name + ".img"), FileMode.CreateNew, FileAccess.Write);
            });
            // All files grow at once: two threads that write to one wait for each other.
            ReadParts([.. contents.SelectMany((content, i) => Parts(content, (part, at) => RandomAccess.Write(files[i], part, at))).OrderBy(part => part.Share)]);
        }
        finally
        {
            Array.ForEach(contents, content => content?.Dispose());
            Array.ForEach(files, file => file?.Dispose());
        }
        return 0;
    }

    /// <summary>Reads all pages of a space on all cores, a mebibyte at a time; their bytes are given in any order, with their place among them.</summary>
    public static void ReadAll(SnapshotContent content, PartReader give) => ReadParts(Parts(content, give));

    private static List<Part> Parts(SnapshotContent content, PartReader give)
    {
        var parts = new List<Part>();
        long at = 0;
        foreach (PageRange range in WithoutGaps(content.Runs(new SpaceId(1))))
        {
            for (ulong first = range.First; first < range.End;)
            {
                int count = (int)Math.Min(PartPages, range.End - first);
                parts.Add(new Part(content, first, count, at, give));
                (first, at) = (first + (ulong)count, at + ((long)count * PageRange.PageSize));
            }
        }
        return [.. parts.Select(part => part with { Share = (double)part.At / at })];
    }

    private static void ReadParts(List<Part> parts)
    {
        var allCores = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.ForEach(Partitioner.Create(parts, EnumerablePartitionerOptions.NoBuffering), allCores, () => new byte[PartPages * PageRange.PageSize], (part, _, buffer) =>
        {
            Span<byte> pages = buffer.AsSpan(0, part.Count * PageRange.PageSize);
            part.Content.ReadPages(new SpaceId(1), part.First, pages);
            part.Give(pages, part.At);
            return buffer;
        }, _ => { });
    }

    /// <summary>Takes pages.</summary>
    public delegate void PartReader(ReadOnlySpan<byte> pages, long at);

    /// <summary>Pages to read.</summary>
    /// <param name="Content">Where from.</param>
    /// <param name="First">First page.</param>
    /// <param name="Count">Pages.</param>
    /// <param name="At">Bytes of the space that come before them.</param>
    /// <param name="Give">Takes them.</param>
    private sealed record Part(SnapshotContent Content, ulong First, int Count, long At, PartReader Give)
    {
        /// <summary>The share of the space that comes before them.</summary>
        public double Share { get; init; }
    }

    private static IEnumerable<PageRange> WithoutGaps(IEnumerable<PageRun> runs)
    {
        PageRange range = default;
        foreach (PageRun run in runs)
        {
            if (range.Count > 0 && range.End == run.Range.First)
            {
                range = range with { Count = range.Count + run.Range.Count };
                continue;
            }
            if (range.Count > 0)
                yield return range;
            range = run.Range;
        }
        if (range.Count > 0)
            yield return range;
    }

    public static List<PageRange> Runs(string images, string name, int version) =>
        [.. File.ReadLines(ImageFiles.PathOf(images, version, name + ".map")).Select(line => line.Split(' '))
            .Select(parts => new PageRange(ulong.Parse(parts[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), ulong.Parse(parts[1], CultureInfo.InvariantCulture)))];

    /// <summary>Marks the pages of an image that differ from the version before, a byte each: what a tracker would have told.</summary>
    public static void WriteDirty(string images, string name, int version)
    {
        var before = new Dictionary<ulong, long>();
        long at = 0;
        foreach (PageRange run in Runs(images, name, version - 1))
        {
            for (ulong page = run.First; page < run.End; page++)
                before[page] = at++;
        }
        using FileStream old = File.OpenRead(ImageFiles.PathOf(images, version - 1, name + ".img"));
        using FileStream now = File.OpenRead(ImageFiles.PathOf(images, version, name + ".img"));
        var flags = new List<byte>();
        byte[] left = new byte[PageRange.PageSize], right = new byte[PageRange.PageSize];
        foreach (PageRange run in Runs(images, name, version))
        {
            for (ulong page = run.First; page < run.End; page++)
            {
                now.ReadExactly(right);
                bool isDirty = true;
                if (before.TryGetValue(page, out long place))
                {
                    old.Position = place * PageRange.PageSize;
                    old.ReadExactly(left);
                    isDirty = !left.AsSpan().SequenceEqual(right);
                }
                flags.Add(isDirty ? (byte)1 : (byte)0);
            }
        }
        File.WriteAllBytes(ImageFiles.PathOf(images, version, name + ".dirty"), [.. flags]);
    }

    private static void PutDirty(SnapshotBuilder builder, ulong first, byte[] buffer, int count, bool[]? dirty, long at)
    {
        for (int start = 0; start < count;)
        {
            int end = start;
            while (end < count && (dirty is null || dirty[at + end]))
                end++;
            if (end > start)
                builder.Put(new SpaceId(1), first + (ulong)start, buffer.AsSpan(start * PageRange.PageSize, (end - start) * PageRange.PageSize));
            start = end + 1;
        }
    }

    private static IEnumerable<PageRange> Gone(List<PageRange> before, List<PageRange> now)
    {
        int next = 0;
        foreach (PageRange run in before)
        {
            ulong at = run.First;
            while (next < now.Count && now[next].End <= at)
                next++;
            for (int i = next; at < run.End && i < now.Count && now[i].First < run.End; i++)
            {
                if (now[i].First > at)
                    yield return new PageRange(at, now[i].First - at);
                at = Math.Max(at, now[i].End);
            }
            if (at < run.End)
                yield return new PageRange(at, run.End - at);
        }
    }
}

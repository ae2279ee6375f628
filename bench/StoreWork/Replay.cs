// Stores the snapshots of a real program's watch anew: the same pages, under other options, read back and compared.
using System.Diagnostics;
using System.Globalization;
using Snap.Image;
using Snap.Store;
using Snap.Store.Pages;

namespace Snap.Bench;

internal static class Replay
{
    /// <summary>Snapshots 1 to <paramref name="count"/> of the only name in a store.</summary>
    public static int Run(string from, string into, int count, int wornBytes)
    {
        using StoreReader source = StoreReader.Open(from);
        SnapshotInfo[] all = [.. source.Snapshots.OrderBy(snapshot => snapshot.Sequence).Take(count)];
        TimeSpan cpu = TimeSpan.Zero;
        long pages = 0, first = 0, later = 0;
        using (StoreWriter store = StoreWriter.Open(into, new StoreOptions { WornDeltaBytes = wornBytes, Durability = Durability.Relaxed }))
        {
            SnapshotId parent = SnapshotId.None;
            SnapshotContent? before = null;
            foreach (SnapshotInfo info in all)
            {
                SnapshotContent content = source.OpenSnapshot(info.Id);
                List<(SpaceId Space, ulong Page, byte[] Bytes)> changed = Changed(before, content);
                TimeSpan begun = Process.GetCurrentProcess().TotalProcessorTime;
                using SnapshotBuilder builder = store.Begin("replay", parent);
                foreach ((SpaceId space, ulong page, byte[] bytes) in changed)
                    builder.Put(space, page, bytes);
                SnapshotInfo stored = builder.Commit(new SnapshotHeader("replay", info.Time), default);
                cpu += Process.GetCurrentProcess().TotalProcessorTime - begun;
                parent = stored.Id;
                if (before is null)
                    first = stored.Statistics.BytesStored;
                else
                    (pages, later) = (pages + stored.Statistics.PagesGiven, later + stored.Statistics.BytesStored);
                before?.Dispose();
                before = content;
            }
            before?.Dispose();
        }
        Write($"first {first / 1048576.0:0.0} MiB, {all.Length - 1} increments {later / 1048576.0:0.0} MiB of {pages} pages, {later / (double)pages:0} bytes each; {cpu.TotalSeconds:0.00} s of CPU");
        using StoreReader reader = StoreReader.Open(into);
        foreach (int sequence in new[] { 1, all.Length })
            Compare(source, all[sequence - 1], reader, reader.Snapshots.Single(snapshot => snapshot.Sequence == (ulong)sequence));
        return 0;
    }

    private static List<(SpaceId, ulong, byte[])> Changed(SnapshotContent? before, SnapshotContent content)
    {
        var changed = new List<(SpaceId, ulong, byte[])>();
        foreach ((SpaceId space, PageMap map) in content.Maps)
        {
            PageMap? old = before?.Maps.GetValueOrDefault(space);
            foreach ((ulong page, ulong value) in map.Ascending())
            {
                if (old?.Get(page) == value)
                    continue;
                byte[] bytes = new byte[PageRange.PageSize];
                content.ReadPages(space, page, bytes);
                changed.Add((space, page, bytes));
            }
        }
        return changed;
    }

    private static void Compare(StoreReader source, SnapshotInfo wanted, StoreReader reader, SnapshotInfo stored)
    {
        using SnapshotContent left = source.OpenSnapshot(wanted.Id), right = reader.OpenSnapshot(stored.Id);
        byte[] a = new byte[PageRange.PageSize], b = new byte[PageRange.PageSize];
        foreach ((SpaceId space, PageMap map) in left.Maps)
        {
            foreach ((ulong page, _) in map.Ascending())
            {
                left.ReadPages(space, page, a);
                right.ReadPages(space, page, b);
                if (!a.AsSpan().SequenceEqual(b))
                    throw new InvalidOperationException($"page {page:x} of snapshot {wanted.Sequence} came back otherwise");
            }
        }
    }

    private static void Write(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

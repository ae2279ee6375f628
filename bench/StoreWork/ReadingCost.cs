// What reading a snapshot has to decode, counted: each block once, as if the cache held all of them.
using System.Globalization;
using Snap.Store;
using Snap.Store.Blocks;
using Snap.Store.Format;
using Snap.Store.Pages;
using Snap.Store.Segments;

namespace Snap.Bench;

internal static class ReadingCost
{
    public static int Run(string path, ulong sequence)
    {
        using StoreReader store = StoreReader.Open(path);
        SnapshotInfo info = store.Snapshots.Single(snapshot => snapshot.Sequence == sequence);
        using SnapshotContent content = store.OpenSnapshot(info.Id);
        var blocks = new Dictionary<(uint, long), Needed>();
        long pages = 0;
        foreach (PageMap map in content.Maps.Values)
        {
            foreach ((_, ulong value) in map.Ascending())
            {
                if (!PageMap.IsData(value))
                    continue;
                pages++;
                Need(content.Slots, new SlotAddress(value), 0, blocks);
            }
        }
        Write($"snapshot {sequence}: {pages} pages, {blocks.Keys.Select(key => key.Item1).Distinct().Count()} segments");
        foreach (IGrouping<(int Depth, BlockEncoding Encoding), Needed> kind in blocks.Values.GroupBy(block => (block.Head.Depth, block.Head.Encoding)).OrderBy(kind => kind.Key))
        {
            long own = kind.Sum(block => (long)block.Head.PageCount);
            Write($"  depth {kind.Key.Depth} {kind.Key.Encoding}: {kind.Count()} blocks of {own / (double)kind.Count():0.0} pages, {100.0 * kind.Sum(block => block.Pages.Count) / own:0} % of them needed, by the snapshot itself {100.0 * kind.Sum(block => (long)block.Direct) / own:0} %; {kind.Sum(block => (long)block.Length) / kind.Count()} bytes each");
        }
        return 0;
    }

    private static void Need(SlotStore slots, SlotAddress address, int direct, Dictionary<(uint, long), Needed> blocks)
    {
        SegmentFile file = slots.Locate(address, out SlotEntry entry);
        if (!blocks.TryGetValue((file.Segment, entry.Offset), out Needed? block))
        {
            byte[] record = file.ReadRecord(entry.Offset, entry.Length, out RecordHeader header);
            blocks.Add((file.Segment, entry.Offset), block = new Needed(BlockHead.Decode(record.AsSpan(RecordFrame.HeaderSize, header.BodyLength), out _), entry.Length));
        }
        if (direct == 0)
            block.Direct++;
        if (block.Pages.Add(address.Slot) && block.Head.HasBase)
            Need(slots, block.Head.Base.Page(entry.IndexOf(address.Slot)), direct + 1, blocks);
    }

    private static void Write(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private sealed record Needed(BlockHead Head, int Length)
    {
        public HashSet<uint> Pages { get; } = [];

        public int Direct { get; set; }
    }
}

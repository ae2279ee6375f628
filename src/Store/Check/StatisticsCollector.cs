using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Catalog;
using Snap.Store.Format;
using Snap.Store.Garbage;
using Snap.Store.Pages;
using Snap.Store.Segments;

namespace Snap.Store.Check;

/// <summary>Counts where a store's bytes are; reads manifests and the heads of blocks, no pages.</summary>
internal sealed class StatisticsCollector(CatalogState state, SlotStore slots)
{
    public StoreStatistics Collect()
    {
        SnapshotEntry[] entries = state.AllEntries();
        var marker = new Marker(slots);
        marker.Mark(entries, entry => !entry.IsDropped);
        (long data, long zero) = (0, 0);
        new ManifestWalk(slots).Run(entries, entry => !entry.IsDropped, visit =>
        {
            if (visit.Entry.IsDropped)
                return;
            data += visit.Maps.Values.Sum(map => map.DataPages);
            zero += visit.Maps.Values.Sum(map => map.ZeroPages);
        });
        SegmentEntry[] segments = state.AllSegments();
        var totals = new Totals();
        foreach (SegmentEntry segment in segments)
            Add(segment, marker.Live, totals);
        return new StoreStatistics
        {
            Names = [.. Names(segments)],
            Snapshots = state.Listed().Count,
            LogicalBytes = (data + zero) * PageRange.PageSize,
            ZeroBytes = zero * PageRange.PageSize,
            UniqueBytes = (totals.Delta.Pages + totals.Zstd.Pages + totals.Raw.Pages) * PageRange.PageSize,
            StoredBytes = segments.Sum(segment => segment.End),
            LiveBytes = totals.Delta.Bytes + totals.Zstd.Bytes + totals.Raw.Bytes + totals.Manifests + totals.Images,
            Segments = segments.Length,
            Delta = totals.Delta,
            Zstd = totals.Zstd,
            Raw = totals.Raw,
            ManifestBytes = totals.Manifests,
            ImageBytes = totals.Images,
            MaxDecodedBytes = totals.MaxDecoded,
            CatalogBytes = state.CatalogBytes,
        };
    }

    private void Add(SegmentEntry segment, SlotSet live, Totals totals)
    {
        SegmentFile file = slots.Segments.Get(segment.Segment, out long? table);
        byte[] buffer = new byte[64];
        foreach (SlotEntry entry in file.AllEntries(table))
        {
            if (live.Among(segment.Segment, entry) == 0)
                continue;
            int read = file.File().Read(buffer.AsSpan(0, Math.Min(buffer.Length, entry.Length)), entry.Offset);
            if (!RecordFrame.TryPeek(buffer.AsSpan(0, read), out RecordHeader header))
                continue;
            if (header.Kind == RecordKind.Manifest)
                totals.Manifests += entry.Length;
            else if (header.Kind == RecordKind.Image)
                totals.Images += entry.Length;
            else if (BlockHead.TryDecodeHead(buffer.AsSpan(RecordFrame.HeaderSize, read - RecordFrame.HeaderSize), out BlockHead head))
                totals.Add(head, entry);
        }
    }

    private IEnumerable<NameStatistics> Names(SegmentEntry[] segments) =>
        state.Listed().GroupBy(snapshot => snapshot.Name).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => new NameStatistics(
            group.Key,
            group.Count(),
            group.Sum(snapshot => snapshot.Statistics.PagesGiven),
            group.Sum(snapshot => snapshot.Statistics.PagesZero),
            group.Sum(snapshot => snapshot.Statistics.PagesUnchanged),
            group.Sum(snapshot => snapshot.Statistics.PagesDeduplicated),
            group.Sum(snapshot => snapshot.Statistics.PagesStored),
            group.Sum(snapshot => snapshot.Statistics.PagesDelta),
            group.Sum(snapshot => snapshot.Statistics.BytesStored),
            segments.Where(segment => segment.Name == group.Key).Sum(segment => segment.End)));

    private sealed class Totals
    {
        public EncodingStatistics Delta { get; private set; }

        public EncodingStatistics Zstd { get; private set; }

        public EncodingStatistics Raw { get; private set; }

        public long Manifests { get; set; }

        public long Images { get; set; }

        public int MaxDecoded { get; private set; }

        public void Add(BlockHead head, SlotEntry entry)
        {
            MaxDecoded = Math.Max(MaxDecoded, head.DecodedBytes);
            switch (head.Encoding)
            {
                case BlockEncoding.Delta or BlockEncoding.Patch:
                    Delta = Sum(Delta);
                    break;
                case BlockEncoding.Zstd:
                    Zstd = Sum(Zstd);
                    break;
                default:
                    Raw = Sum(Raw);
                    break;
            }

            EncodingStatistics Sum(EncodingStatistics sum) => new(sum.Pages + entry.Count, sum.Bytes + entry.Length);
        }
    }
}

using Snap.Store.Catalog;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Store.Index;

/// <summary>Reads the hashes of stored pages from the segments.</summary>
internal static class HashReader
{
    /// <summary>The hashes of one segment, newest commits first; what is damaged is left out, it costs deduplication only.</summary>
    public static IEnumerable<List<KeyValuePair<ulong, SlotAddress>>> Read(SegmentSet segments, SegmentEntry segment) =>
        ReadWithOffsets(segments, segment).Select(page => page.Page);

    /// <summary>The same, with the offsets of the records.</summary>
    public static IEnumerable<(long Offset, List<KeyValuePair<ulong, SlotAddress>> Page)> ReadWithOffsets(SegmentSet segments, SegmentEntry segment)
    {
        long? next = segment.HashesOffset;
        while (next is { } offset)
        {
            List<KeyValuePair<ulong, SlotAddress>>? page = ReadOne(segments, segment, offset, out next);
            if (page is null)
                yield break;
            yield return (offset, page);
        }
    }

    private static List<KeyValuePair<ulong, SlotAddress>>? ReadOne(SegmentSet segments, SegmentEntry segment, long offset, out long? previous)
    {
        previous = null;
        try
        {
            byte[] record = segments.Get(segment.Segment, out _).ReadRecord(offset, out RecordHeader header);
            if (header.Kind != RecordKind.Hashes || header.Version != HashesRecord.Version)
                return null;
            List<(uint Slot, ulong Hash)> entries = HashesRecord.Decode(record.AsSpan(RecordFrame.HeaderSize), out previous);
            if (previous >= offset)
                previous = null;
            return [.. entries.Select(entry => KeyValuePair.Create(entry.Hash, new SlotAddress(segment.Segment, entry.Slot)))];
        }
        catch (FormatException)
        {
            return null;
        }
        catch (Image.SnapException damage) when (damage.Kind == Image.ErrorCatalogue.StoreDamaged)
        {
            return null;
        }
    }
}

using Snap.Store.Catalog;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Store.Garbage;

/// <summary>How much of a segment is live, and what follows from it.</summary>
/// <param name="Segment">The segment.</param>
/// <param name="TotalBytes">Its file's length.</param>
/// <param name="LiveBytes">What its next generation would take, about.</param>
internal readonly record struct SegmentFate(SegmentEntry Segment, long TotalBytes, long LiveBytes)
{
    public bool IsDead => LiveBytes == 0;

    /// <summary>Worth rewriting: what is written again is at most one and a half times what is freed.</summary>
    public bool IsMostlyDead => !IsDead && LiveBytes * 2 <= (TotalBytes - LiveBytes) * 3;

    /// <summary>Bytes after a collection.</summary>
    public long BytesAfter => IsDead ? 0 : IsMostlyDead ? LiveBytes : TotalBytes;

    public static SegmentFate Of(SegmentEntry segment, SegmentSet segments, SlotSet live)
    {
        SegmentFile file = segments.Get(segment.Segment, out long? table);
        long bytes = 0;
        foreach (SlotEntry entry in file.AllEntries(table))
        {
            ushort mask = live.Among(segment.Segment, entry);
            if (mask != 0)
                bytes += entry.Length * System.Numerics.BitOperations.PopCount((uint)mask) / entry.Count;
        }
        // Tables, hashes and commit records come along.
        return new SegmentFate(segment, segment.End, bytes == 0 ? 0 : bytes + (bytes / 64) + 200);
    }
}

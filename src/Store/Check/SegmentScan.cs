using Snap.Store.Disk;
using Snap.Store.Format;

namespace Snap.Store.Check;

/// <summary>A whole record, found where nothing told that it is.</summary>
/// <param name="Offset">Where it begins.</param>
/// <param name="Header">Its header.</param>
/// <param name="Bytes">Header and body.</param>
internal readonly record struct ScannedRecord(long Offset, RecordHeader Header, byte[] Bytes)
{
    public ReadOnlySpan<byte> Body => Bytes.AsSpan(RecordFrame.HeaderSize);

    public long End => Offset + Bytes.Length;
}

/// <summary>Finds every whole record of a segment, also behind damage: checksums are bound to places, so that what fits is a record.</summary>
internal static class SegmentScan
{
    private const int WindowBytes = 1 << 20;

    /// <summary>The records in the order of their offsets.</summary>
    /// <param name="file">The file.</param>
    /// <param name="segment">Its segment.</param>
    /// <param name="generation">Its generation.</param>
    /// <param name="end">Behind the last byte that counts.</param>
    public static IEnumerable<ScannedRecord> Read(IDiskFile file, uint segment, uint generation, long end)
    {
        end = Math.Min(end, file.Length);
        byte[] head = new byte[RecordFrame.HeaderSize];
        long at = 0;
        while (at + RecordFrame.HeaderSize <= end)
        {
            if (file.Read(head, at) == head.Length && TryReadAt(file, head, segment, generation, at, end) is { } record)
            {
                yield return record;
                at = record.End;
                continue;
            }
            ScannedRecord? next = FindNext(file, segment, generation, at + 1, end);
            if (next is null)
                yield break;
            yield return next.Value;
            at = next.Value.End;
        }
    }

    private static ScannedRecord? FindNext(IDiskFile file, uint segment, uint generation, long from, long end)
    {
        byte[] window = new byte[WindowBytes];
        for (long start = from; start + RecordFrame.HeaderSize <= end; start += WindowBytes - RecordFrame.HeaderSize + 1)
        {
            int length = file.Read(window.AsSpan(0, (int)Math.Min(WindowBytes, end - start)), start);
            for (int i = 0; i + RecordFrame.HeaderSize <= length; i++)
            {
                // Kinds and versions are small numbers and the key id is 0: most offsets are passed by at a glance.
                if (window[i] is > 0 and < 32 && window[i + 2] == 0 && window[i + 3] == 0
                    && TryReadAt(file, window.AsSpan(i, RecordFrame.HeaderSize), segment, generation, start + i, end) is { } record)
                    return record;
            }
        }
        return null;
    }

    private static ScannedRecord? TryReadAt(IDiskFile file, ReadOnlySpan<byte> head, uint segment, uint generation, long at, long end)
    {
        if (!RecordFrame.TryPeek(head, out RecordHeader header) || at + header.TotalLength > end)
            return null;
        byte[] bytes = new byte[header.TotalLength];
        return file.Read(bytes, at) == bytes.Length && RecordFrame.TryRead(bytes, new RecordPlace(segment, generation, at), out header, out _)
            ? new ScannedRecord(at, header, bytes) : null;
    }
}

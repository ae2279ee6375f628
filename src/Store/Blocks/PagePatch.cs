// Payload of a patch block: what has to be written over the base pages, one after another, to get the block's pages. Runs, ascending:
//   varint  (bytes skipped since the end of the run before << 3) | length - 1; 7 = the length follows
//   varint  only then: length - 8
//   bytes   the run
// Pages that changed in a few words are the rule; a patch of them is smaller than a zstd frame, and takes a tenth of its time to write and to read.
using Snap.Image;
using Snap.Store.Format;

namespace Snap.Store.Blocks;

/// <summary>The codec of patches.</summary>
internal static class PagePatch
{
    /// <summary>Equal bytes that end a run: a new one costs two or three.</summary>
    private const int GapBytes = 3;
    private const int ShortLengths = 7;

    /// <summary>Longest head of a run.</summary>
    private const int MaxHeadBytes = 8;

    /// <summary>Writes what turns <paramref name="bases"/> into <paramref name="pages"/>.</summary>
    /// <returns>False if it doesn't fit.</returns>
    public static bool TryEncode(ReadOnlySpan<byte> pages, ReadOnlySpan<byte> bases, Span<byte> into, out int length)
    {
        Invariant.Holds(pages.Length == bases.Length);
        length = 0;
        int end = 0;
        while (true)
        {
            int start = end + pages[end..].CommonPrefixLength(bases[end..]);
            if (start == pages.Length)
                return true;
            int room = into.Length - length - MaxHeadBytes;
            int stop = EndOfRun(pages, bases, start, room);
            if (stop - start > room)
                return false;
            length += WriteHead(into[length..], start - end, stop - start);
            pages[start..stop].CopyTo(into[length..]);
            length += stop - start;
            end = stop;
        }
    }

    /// <summary>Turns base pages into the block's.</summary>
    /// <returns>False if it is no patch of so many bytes; <paramref name="pages"/> holds nothing then.</returns>
    public static bool TryApply(ReadOnlySpan<byte> patch, Span<byte> pages)
    {
        while (patch.Length > 0)
        {
            if (!TryReadNumber(ref patch, out uint head))
                return false;
            uint length = head & ShortLengths;
            if (length == ShortLengths)
            {
                if (!TryReadNumber(ref patch, out length) || length > BlockHead.MaxDecodedBytes)
                    return false;
                length += ShortLengths;
            }
            length++;
            uint skipped = head >> 3;
            if (length > (uint)patch.Length || skipped > (uint)pages.Length || length > (uint)pages.Length - skipped)
                return false;
            patch[..(int)length].CopyTo(pages[(int)skipped..]);
            patch = patch[(int)length..];
            pages = pages[(int)(skipped + length)..];
        }
        return true;
    }

    /// <summary>Where a run ends; it isn't followed for much longer than there is room.</summary>
    private static int EndOfRun(ReadOnlySpan<byte> pages, ReadOnlySpan<byte> bases, int start, int room)
    {
        int last = Math.Min(pages.Length, start + Math.Max(0, room) + GapBytes + 1);
        int stop = start + 1;
        for (int at = stop; at < last && at - stop < GapBytes; at++)
        {
            if (pages[at] != bases[at])
                stop = at + 1;
        }
        return stop;
    }

    private static int WriteHead(Span<byte> into, int skipped, int length)
    {
        int written = WriteNumber(into, ((uint)skipped << 3) | (uint)Math.Min(length - 1, ShortLengths));
        return length - 1 < ShortLengths ? written : written + WriteNumber(into[written..], (uint)(length - 1 - ShortLengths));
    }

    private static int WriteNumber(Span<byte> into, uint value)
    {
        int at = 0;
        for (; value >= 0x80; value >>= 7)
            into[at++] = (byte)(value | 0x80);
        into[at++] = (byte)value;
        return at;
    }

    private static bool TryReadNumber(ref ReadOnlySpan<byte> bytes, out uint value)
    {
        value = 0;
        for (int i = 0; i < Math.Min(bytes.Length, 4); i++)
        {
            value |= (bytes[i] & 0x7Fu) << (7 * i);
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return true;
            }
        }
        return false;
    }
}

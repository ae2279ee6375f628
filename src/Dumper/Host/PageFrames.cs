using System.Buffers.Binary;
using Snap.Image;

namespace Snap.Dumper.Host;

/// <summary>Encodes and decodes the messages about pages.</summary>
/// <remarks>
/// Pages: u64 offset in shared memory of the first run, u64 ring position that is free once it was read (0: none), u64 number of the pause area
/// that is free then (0: none), then runs, whose bytes lie one after the other. A run: u32 space, u64 first page, u64 pages.
/// Zero and Drop: one run. Removed: u32 space. All little-endian.
/// </remarks>
internal static class PageFrames
{
    public const int HeadLength = 24;
    public const int RunLength = 20;

    /// <summary>Runs in one message: it fits into a socket's buffer.</summary>
    public const int MaxRuns = 3000;

    public static void WriteHead(Span<byte> into, ulong offset, ulong freesStream, ulong freesPause)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(into, offset);
        BinaryPrimitives.WriteUInt64LittleEndian(into[8..], freesStream);
        BinaryPrimitives.WriteUInt64LittleEndian(into[16..], freesPause);
    }

    public static (ulong Offset, ulong FreesStream, ulong FreesPause) ReadHead(ReadOnlySpan<byte> from) =>
        (BinaryPrimitives.ReadUInt64LittleEndian(from), BinaryPrimitives.ReadUInt64LittleEndian(from[8..]), BinaryPrimitives.ReadUInt64LittleEndian(from[16..]));

    public static void WriteRun(Span<byte> into, SpaceId space, PageRange range)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(into, space.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(into[4..], range.First);
        BinaryPrimitives.WriteUInt64LittleEndian(into[12..], range.Count);
    }

    public static SpaceRun ReadRun(ReadOnlySpan<byte> from) => new(new SpaceId(BinaryPrimitives.ReadUInt32LittleEndian(from)),
        new PageRange(BinaryPrimitives.ReadUInt64LittleEndian(from[4..]), BinaryPrimitives.ReadUInt64LittleEndian(from[12..])));
}

using Snap.Image;
using Snap.Store;
using Snap.Store.Blocks;
using Snap.Store.Catalog;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Fuzz.Store;

/// <summary>One parser of stored bytes. Only <see cref="FormatException"/> and <see cref="SnapException"/> may come out of it.</summary>
/// <param name="input">The bytes, between guard pages.</param>
internal delegate void StoreParser(ReadOnlySpan<byte> input);

/// <summary>Every parser of stored bytes, by name. Each checks itself that what it accepted was consumed wholly.</summary>
internal static class StoreParsers
{
    public static readonly UInt128 StoreId = new(0x1111, 0x2222);
    private static readonly GuardedBytes _output = new(BlockHead.MaxPages * PageRange.PageSize);
    private static readonly GuardedBytes _prefix = new(BlockHead.MaxPages * PageRange.PageSize);

    public static IReadOnlyDictionary<string, StoreParser> All { get; } = new SortedDictionary<string, StoreParser>
    {
        ["record"] = input => RecordFrame.TryRead(input, new RecordPlace(1, 1, 0), out _, out _),
        ["config"] = input => StoreConfig.Decode(input, "config", forWriting: true),
        ["segment-start"] = input => SegmentStart.Decode(input, StoreId, 1, 1),
        ["block"] = Block,
        ["image"] = input => ImageHead.Decode(input, out _),
        ["manifest"] = input => ManifestRecord.Decode(input, maxPages: 1 << 16),
        ["slot-table"] = input => SlotTable.Decode(input, out _),
        ["hashes"] = input => HashesRecord.Decode(input, out _),
        ["commit"] = input => CommitRecord.Decode(input),
        ["catalog"] = Catalog,
        ["zstd"] = input => Zstd.TryDecompress(input, default, _output.AtEnd(PageRange.PageSize * 4)),
        ["zstd-delta"] = input => Zstd.TryDecompress(input, _prefix.AtEnd(PageRange.PageSize * 4), _output.AtStart(PageRange.PageSize * 4)),
        ["patch"] = input => PagePatch.TryApply(input, _output.AtEnd(PageRange.PageSize * 4)),
        ["policy"] = input => RetentionPolicy.Parse(Text(input)),
        ["segment-name"] = input => SegmentName.TryParse(Text(input), out _, out _),
    };

    /// <summary>A block's head and payload, decoded without bases: a delta gets a prefix of its size.</summary>
    private static void Block(ReadOnlySpan<byte> input)
    {
        var head = BlockHead.Decode(input, out ReadOnlySpan<byte> payload);
        if (head.Encoding == BlockEncoding.Patch)
            PagePatch.TryApply(payload, _output.AtEnd(head.OwnBytes));
        else if (head.Encoding != BlockEncoding.Raw)
            Zstd.TryDecompress(payload, head.Encoding == BlockEncoding.Delta ? _prefix.AtEnd(head.OwnBytes) : default, _output.AtEnd(head.OwnBytes));
    }

    /// <summary>The first byte chooses the kind.</summary>
    private static void Catalog(ReadOnlySpan<byte> input)
    {
        if (input.Length == 0)
            return;
        CatalogRecords.Apply(new CatalogState(), (RecordKind)(32 + (input[0] % 16)), new ByteReader(input[1..]), StoreId);
    }

    private static string Text(ReadOnlySpan<byte> input) => System.Text.Encoding.Latin1.GetString(input);
}

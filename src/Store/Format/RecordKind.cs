namespace Snap.Store.Format;

/// <summary>What a record's body is. Numbers are for ever; docs/format.md lists them.</summary>
internal enum RecordKind : byte
{
    // In segments.
    Block = 1,
    SlotTable = 2,
    Hashes = 3,
    Manifest = 4,
    Image = 5,
    Commit = 6,
    SegmentStart = 7,

    // In catalogs.
    CatalogStart = 32,
    SegmentState = 33,
    SnapshotAdded = 34,
    SnapshotDropped = 35,
    SnapshotForgotten = 36,
    TagSet = 37,
    PolicySet = 38,
    SegmentsReplaced = 39,
    CatalogComplete = 40,
    NameState = 41,

    // In the config file.
    Config = 64,
}

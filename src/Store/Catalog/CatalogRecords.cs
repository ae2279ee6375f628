// Every body in a catalog begins with
//   varint  bytes of this catalog that were durable when the record was written
// so that damage can be told from a torn tail: a hole below what a later record calls durable is damage, any other was never acknowledged.
// Then, by kind:
//   CatalogStart     16 store id, varint epoch, varint next segment
//   NameState        text name, varint next sequence
//   SegmentState     varint segment, varint generation, text name, varint slot table + 1, varint hashes + 1, varint end, u8 flags (1 = sealed)
//   SnapshotAdded    a snapshot (see CommitRecord), u8 flags (1 = dropped), varint end of its commit record,
//                    varint extents; each as in a commit record, with varint generation and text name behind it
//   SnapshotDropped  16 id;  SnapshotForgotten  16 id
//   TagSet           text tag, 16 id (zeros = removed);  PolicySet  text name, text policy (empty = none)
//   SegmentsReplaced varint epoch, varint entries; each a SegmentState's fields, or generation 0: the segment is gone
//   CatalogComplete  nothing: the catalog is whole up to here; changes follow
using Snap.Image;
using Snap.Store.Format;

namespace Snap.Store.Catalog;

/// <summary>Encodes and applies the records of a catalog.</summary>
internal static class CatalogRecords
{
    public const byte Version = 1;

    public static void EncodeStart(ByteWriter to, UInt128 storeId, CatalogState state)
    {
        to.U64((ulong)storeId);
        to.U64((ulong)(storeId >> 64));
        to.Varint(state.Epoch);
        to.Varint(state.NextSegment);
    }

    public static void EncodeSegment(ByteWriter to, SegmentEntry segment)
    {
        to.Varint(segment.Segment);
        to.Varint(segment.Generation);
        to.Text(segment.Name);
        to.Varint(segment.TableOffset is { } table ? (ulong)table + 1 : 0);
        to.Varint(segment.HashesOffset is { } hashes ? (ulong)hashes + 1 : 0);
        to.Varint((ulong)segment.End);
        to.Byte(segment.IsSealed ? (byte)1 : (byte)0);
    }

    public static void EncodeSnapshot(ByteWriter to, SnapshotEntry entry, IReadOnlyList<CommitExtent> extents, long commitEnd,
        Func<uint, SegmentEntry> segmentOf)
    {
        CommitRecord.EncodeEntry(to, entry);
        to.Byte(entry.IsDropped ? (byte)1 : (byte)0);
        to.Varint((ulong)commitEnd);
        to.Varint((ulong)extents.Count);
        foreach (CommitExtent extent in extents)
        {
            SegmentEntry segment = segmentOf(extent.Segment);
            to.Varint(extent.Segment);
            to.Varint((ulong)extent.End);
            to.Varint((ulong)extent.TableOffset);
            to.Varint(extent.HashesOffset is { } hashes ? (ulong)hashes + 1 : 0);
            to.Varint(segment.Generation);
            to.Text(segment.Name);
        }
    }

    public static void EncodeReplaced(ByteWriter to, ulong epoch, IReadOnlyList<SegmentEntry> next, IReadOnlyList<SegmentEntry> old)
    {
        to.Varint(epoch);
        to.Varint((ulong)old.Count);
        foreach (SegmentEntry entry in old)
        {
            if (next.FirstOrDefault(candidate => candidate.Segment == entry.Segment) is { } replaced)
            {
                EncodeSegment(to, replaced);
                continue;
            }
            to.Varint(entry.Segment);
            to.Varint(0);
        }
    }

    /// <summary>Applies one record's body, behind the durable length.</summary>
    /// <exception cref="FormatException">The bytes are no such record.</exception>
    public static void Apply(CatalogState state, RecordKind kind, ByteReader reader, UInt128 storeId)
    {
        switch (kind)
        {
            case RecordKind.CatalogStart:
                ulong low = reader.U64();
                if (new UInt128(reader.U64(), low) != storeId)
                    throw new FormatException("the catalog belongs to another store");
                state.Epoch = reader.Varint(long.MaxValue);
                state.NextSegment = Math.Max(1, reader.Varint32());
                break;
            case RecordKind.NameState:
                state.SetNextSequence(Name(ref reader), reader.Varint());
                break;
            case RecordKind.SegmentState:
                state.SetSegment(DecodeSegment(ref reader) ?? throw new FormatException("a segment without a generation"));
                break;
            case RecordKind.SnapshotAdded:
                ApplySnapshot(state, ref reader);
                break;
            case RecordKind.SnapshotDropped:
                state.DropSnapshot(SnapshotId.Read(reader.Bytes(SnapshotId.Size)));
                break;
            case RecordKind.SnapshotForgotten:
                state.ForgetSnapshot(SnapshotId.Read(reader.Bytes(SnapshotId.Size)));
                break;
            case RecordKind.TagSet:
                state.SetTag(Name(ref reader), SnapshotId.Read(reader.Bytes(SnapshotId.Size)));
                break;
            case RecordKind.PolicySet:
                state.SetPolicy(Name(ref reader), reader.Text());
                break;
            case RecordKind.SegmentsReplaced:
                ApplyReplaced(state, ref reader);
                break;
            case RecordKind.CatalogComplete:
                break;
            default:
                throw new FormatException($"a record of kind {(byte)kind} doesn't belong in a catalog");
        }
        reader.End();
    }

    private static void ApplySnapshot(CatalogState state, ref ByteReader reader)
    {
        SnapshotEntry entry = CommitRecord.DecodeEntry(ref reader);
        byte flags = reader.Byte();
        if (flags > 1)
            throw new FormatException("unknown flags of a snapshot");
        entry.IsDropped = flags == 1;
        long commitEnd = (long)reader.Varint(long.MaxValue / 4);
        int count = reader.Count(6);
        var extents = new List<CommitExtent>(count);
        var segments = new Dictionary<uint, SegmentEntry>(count);
        for (int i = 0; i < count; i++)
        {
            uint segment = reader.Varint32();
            long end = (long)reader.Varint(long.MaxValue / 4);
            long table = (long)reader.Varint(long.MaxValue / 4);
            ulong hashes = reader.Varint(long.MaxValue / 4);
            uint generation = reader.Varint32();
            if (segment is 0 or uint.MaxValue || generation == 0)
                throw new FormatException("an extent is out of bounds");
            extents.Add(new CommitExtent(segment, 0, end, table, hashes == 0 ? null : (long)hashes - 1, 0));
            segments[segment] = new SegmentEntry { Segment = segment, Generation = generation, Name = Name(ref reader) };
        }
        state.AddCommit(entry, extents, commitEnd, segment => segments[segment]);
    }

    private static void ApplyReplaced(CatalogState state, ref ByteReader reader)
    {
        state.Epoch = reader.Varint(long.MaxValue);
        for (int left = reader.Count(2); left > 0; left--)
        {
            uint segment = reader.Varint32();
            if (DecodeSegment(ref reader, segment) is { } entry)
                state.SetSegment(entry);
            else
                state.RemoveSegment(segment);
        }
    }

    private static SegmentEntry? DecodeSegment(ref ByteReader reader, uint? known = null)
    {
        uint segment = known ?? reader.Varint32();
        uint generation = reader.Varint32();
        if (segment is 0 or uint.MaxValue)
            throw new FormatException("a segment is out of bounds");
        if (generation == 0)
            return null;
        string name = Name(ref reader);
        ulong table = reader.Varint(long.MaxValue / 4);
        ulong hashes = reader.Varint(long.MaxValue / 4);
        ulong end = reader.Varint(long.MaxValue / 4);
        byte flags = reader.Byte();
        if (flags > 1)
            throw new FormatException("unknown flags of a segment");
        return new SegmentEntry
        {
            Segment = segment,
            Generation = generation,
            Name = name,
            TableOffset = table == 0 ? null : (long)table - 1,
            HashesOffset = hashes == 0 ? null : (long)hashes - 1,
            End = (long)end,
            IsSealed = flags == 1,
        };
    }

    private static string Name(ref ByteReader reader)
    {
        string name = string.Intern(reader.Text());
        return Names.IsValid(name) ? name : throw new FormatException("a name doesn't follow the grammar");
    }
}

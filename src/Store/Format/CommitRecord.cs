// Body of a commit record, the last record of a commit; the catalog holds the same fields of a snapshot:
//   0  16    snapshot id          16  16  parent id (zeros = none)
//   .  varint sequence within the name
//   .  u64   time, 100 ns ticks since the year 1, UTC
//   .  text  name
//   .  varint pages given, zero, unchanged, deduplicated, stored, stored as delta; bytes stored
//   .  varint segment, varint slot of the manifest; the same of the image
//   .  blob  facts
// and then, what only a commit record in a segment has:
//   .  varint extents; each: varint segment, varint start, varint end - start, varint slot table's offset, varint hashes' offset + 1 (0 = none),
//      u64 XXH3-64 of the 8-byte checksums of its records, in order, without the commit record's
// The last extent is in the commit record's own segment and ends where the commit record begins.
using Snap.Image;

namespace Snap.Store.Format;

/// <summary>A snapshot as the catalog knows it.</summary>
internal sealed class SnapshotEntry
{
    public required SnapshotInfo Info { get; init; }

    public required SlotAddress Manifest { get; init; }

    public required SlotAddress Image { get; init; }

    /// <summary>Dropped: no longer to be found, but its manifest may still be needed by later ones.</summary>
    public bool IsDropped { get; set; }

    /// <summary>Place among all snapshots of the store, in the order of their commits.</summary>
    public ulong Order { get; set; }
}

/// <summary>What a commit wrote in one segment.</summary>
/// <param name="Segment">The segment.</param>
/// <param name="Start">Offset of its first record.</param>
/// <param name="End">Offset behind its last.</param>
/// <param name="TableOffset">Its slot table.</param>
/// <param name="HashesOffset">Its last record of hashes, if it has one.</param>
/// <param name="Digest">Binds its records' contents: older bytes at the same places don't make the same commit.</param>
internal readonly record struct CommitExtent(uint Segment, long Start, long End, long TableOffset, long? HashesOffset, ulong Digest);

/// <summary>The codec of commit records.</summary>
internal static class CommitRecord
{
    public const byte Version = 1;
    public const int MaxFactsLength = 1 << 20;

    public static void EncodeEntry(ByteWriter to, SnapshotEntry entry)
    {
        SnapshotInfo info = entry.Info;
        info.Id.Write(to.Take(SnapshotId.Size));
        info.Parent.Write(to.Take(SnapshotId.Size));
        to.Varint(info.Sequence);
        to.U64((ulong)info.Time.UtcTicks);
        to.Text(info.Name);
        SnapshotStatistics statistics = info.Statistics;
        to.Varint((ulong)statistics.PagesGiven);
        to.Varint((ulong)statistics.PagesZero);
        to.Varint((ulong)statistics.PagesUnchanged);
        to.Varint((ulong)statistics.PagesDeduplicated);
        to.Varint((ulong)statistics.PagesStored);
        to.Varint((ulong)statistics.PagesDelta);
        to.Varint((ulong)statistics.BytesStored);
        to.Varint(entry.Manifest.Segment);
        to.Varint(entry.Manifest.Slot);
        to.Varint(entry.Image.Segment);
        to.Varint(entry.Image.Slot);
        to.Blob(info.Facts.Span);
    }

    public static void EncodeExtents(ByteWriter to, IReadOnlyList<CommitExtent> extents)
    {
        to.Varint((ulong)extents.Count);
        foreach (CommitExtent extent in extents)
        {
            to.Varint(extent.Segment);
            to.Varint((ulong)extent.Start);
            to.Varint((ulong)(extent.End - extent.Start));
            to.Varint((ulong)extent.TableOffset);
            to.Varint(extent.HashesOffset is { } hashes ? (ulong)hashes + 1 : 0);
            to.U64(extent.Digest);
        }
    }

    public static SnapshotEntry DecodeEntry(ref ByteReader reader)
    {
        SnapshotId id = SnapshotId.Read(reader.Bytes(SnapshotId.Size));
        SnapshotId parent = SnapshotId.Read(reader.Bytes(SnapshotId.Size));
        ulong sequence = reader.Varint();
        ulong ticks = reader.U64();
        if (ticks > (ulong)DateTime.MaxValue.Ticks)
            throw new FormatException("a time is out of bounds");
        string name = string.Intern(reader.Text());
        if (id == SnapshotId.None || !Names.IsValid(name))
            throw new FormatException("a snapshot without a proper id or name");
        var statistics = new SnapshotStatistics
        {
            PagesGiven = Count(ref reader),
            PagesZero = Count(ref reader),
            PagesUnchanged = Count(ref reader),
            PagesDeduplicated = Count(ref reader),
            PagesStored = Count(ref reader),
            PagesDelta = Count(ref reader),
            BytesStored = Count(ref reader),
        };
        var manifest = new SlotAddress(reader.Varint32(), reader.Varint32());
        var image = new SlotAddress(reader.Varint32(), reader.Varint32());
        if (manifest.Segment == 0 || image.Segment == 0)
            throw new FormatException("an address is out of bounds");
        byte[] facts = reader.Blob().ToArray();
        return new SnapshotEntry
        {
            Info = new SnapshotInfo(id, sequence, name, parent, new DateTimeOffset((long)ticks, TimeSpan.Zero), statistics, facts),
            Manifest = manifest,
            Image = image,
        };
    }

    public static (SnapshotEntry Entry, List<CommitExtent> Extents) Decode(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        SnapshotEntry entry = DecodeEntry(ref reader);
        int count = reader.Count(13);
        var extents = new List<CommitExtent>(count);
        for (int i = 0; i < count; i++)
        {
            uint segment = reader.Varint32();
            ulong start = reader.Varint(long.MaxValue / 4);
            ulong length = reader.Varint(long.MaxValue / 4);
            ulong table = reader.Varint(long.MaxValue / 4);
            ulong hashes = reader.Varint(long.MaxValue / 4);
            if (segment == 0)
                throw new FormatException("an extent is out of bounds");
            extents.Add(new CommitExtent(segment, (long)start, (long)(start + length), (long)table, hashes == 0 ? null : (long)hashes - 1, reader.U64()));
        }
        reader.End();
        return (entry, extents);
    }

    private static long Count(ref ByteReader reader) => (long)reader.Varint(long.MaxValue);
}

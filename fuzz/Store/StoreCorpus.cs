using System.Buffers.Binary;
using Snap.Image;
using Snap.Store;
using Snap.Store.Check;
using Snap.Store.Disk;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Fuzz.Store;

/// <summary>Inputs to begin with: what a small store holds, by parser.</summary>
internal static class StoreCorpus
{
    /// <summary>Reads the files of a corpus directory, <c>PARSER-N.bin</c>.</summary>
    public static ILookup<string, byte[]> Read(string directory) =>
        Directory.EnumerateFiles(directory, "*.bin").Order(StringComparer.Ordinal)
            .ToLookup(path => Path.GetFileName(path)[..Path.GetFileName(path).LastIndexOf('-')], File.ReadAllBytes);

    /// <summary>Writes it from a store with commits, deltas, a tag, a policy and a collection.</summary>
    public static void Write(string directory)
    {
        string work = Directory.CreateTempSubdirectory("snap-corpus-").FullName;
        try
        {
            MakeStore(Path.Combine(work, "store"));
            var counts = new Dictionary<string, int>();
            void Add(string parser, byte[] bytes)
            {
                int number = counts[parser] = counts.GetValueOrDefault(parser) + 1;
                if (number <= 4 && bytes.Length <= 15_000)
                    File.WriteAllBytes(Path.Combine(directory, $"{parser}-{number}.bin"), bytes);
            }
            var disk = new PosixDisk(Path.Combine(work, "store"));
            Add("config", File.ReadAllBytes(Path.Combine(work, "store", "config")));
            foreach (string name in disk.List(SegmentName.Directory))
            {
                SegmentName.TryParse(name, out uint segment, out uint generation);
                Add("segment-name", System.Text.Encoding.ASCII.GetBytes(name));
                using IDiskFile file = disk.OpenOrNull(SegmentName.Of(segment, generation), forWriting: false)!;
                foreach (ScannedRecord record in SegmentScan.Read(file, segment, generation, file.Length))
                    AddRecord(record, Add);
            }
            byte[] catalog = File.ReadAllBytes(Directory.EnumerateFiles(Path.Combine(work, "store"), "catalog.*").Single());
            for (int at = 0; at < catalog.Length && RecordFrame.TryPeek(catalog.AsSpan(at), out RecordHeader header); at += header.TotalLength)
            {
                ReadOnlySpan<byte> body = catalog.AsSpan(at + RecordFrame.HeaderSize, header.BodyLength);
                var reader = new ByteReader(body);
                reader.Varint();
                Add("catalog", [(byte)((int)header.Kind - 32), .. body[reader.Position..]]);
            }
            Add("policy", "last=10 within=1h every=10s/1h hourly=24 tags"u8.ToArray());
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static void AddRecord(ScannedRecord record, Action<string, byte[]> add)
    {
        byte[] body = record.Body.ToArray();
        add("record", record.Bytes);
        switch (record.Header.Kind)
        {
            case RecordKind.Block:
                add("block", body);
                if (BlockHead.Decode(body, out ReadOnlySpan<byte> payload) is { Encoding: not BlockEncoding.Raw } head)
                    add(head.Encoding switch { BlockEncoding.Delta => "zstd-delta", BlockEncoding.Patch => "patch", _ => "zstd" }, payload.ToArray());
                break;
            case RecordKind.Image:
                add("image", body);
                break;
            case RecordKind.Manifest:
                add("manifest", body);
                break;
            case RecordKind.SlotTable:
                add("slot-table", body);
                break;
            case RecordKind.Hashes:
                add("hashes", body);
                break;
            case RecordKind.Commit:
                add("commit", body);
                break;
            case RecordKind.SegmentStart:
                // As if it were the store that the parser expects.
                BinaryPrimitives.WriteUInt64LittleEndian(body, (ulong)StoreParsers.StoreId);
                BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(8), (ulong)(StoreParsers.StoreId >> 64));
                BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(16), 1);
                BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(20), 1);
                add("segment-start", body);
                break;
        }
    }

    private static void MakeStore(string directory)
    {
        using StoreWriter store = StoreWriter.Open(directory);
        var random = new Random(1);
        byte[] pages = new byte[4 * PageRange.PageSize];
        for (int i = 0; i < pages.Length; i++)
            pages[i] = (byte)(i % 5 == 0 ? random.Next(8) : i >> 6);
        SnapshotId parent = SnapshotId.None;
        for (int i = 0; i < 6; i++)
        {
            using SnapshotBuilder builder = store.Begin(i == 3 ? "other" : "web", parent);
            pages[random.Next(pages.Length)]++;
            // Moved by a word: no patch, but a delta.
            if (i == 2)
                pages.AsSpan(0, 8000).CopyTo(pages.AsSpan(8));
            builder.Put(new SpaceId(1), 100, pages);
            builder.Zero(new SpaceId(2), new PageRange(7, 3));
            if (i == 4)
                builder.Drop(new SpaceId(1), new PageRange(101, 1));
            parent = builder.Commit(new SnapshotHeader(i == 3 ? "other" : "web", DateTimeOffset.UnixEpoch.AddSeconds(i)) { Facts = new byte[] { 1, 2, 3 } }, "kernel state"u8).Id;
        }
        store.Tag(parent, "good");
        store.SetPolicy("web", RetentionPolicy.Parse("last=2"));
        store.CollectGarbage(new GarbageOptions());
    }
}

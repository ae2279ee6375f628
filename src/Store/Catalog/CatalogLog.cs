// Invariants.
// Must: a catalog file has its final name only when everything up to its CatalogComplete is durable; the older one is unlinked after that.
// Must: after a failed write or sync the file is never appended to again; the next change writes a new one.
// Must: a snapshot is added only after its commit is durable in its segments; so what the catalog lists exists.
// Should: snapshots are added without a sync; recovery finds again those that a power cut takes from the catalog.
// Every other change is synced before it is acknowledged.
using System.Globalization;
using Snap.Image;
using Snap.Store.Disk;
using Snap.Store.Format;

namespace Snap.Store.Catalog;

/// <summary>The catalog's file: a log of changes, compacted into the next file when it grew.</summary>
internal sealed class CatalogLog : IDisposable
{
    private const string Prefix = "catalog.";
    private readonly IDisk _disk;
    private readonly UInt128 _storeId;
    private readonly ByteWriter _buffer = new(1024);
    private IDiskFile? _file;
    private long _compactedLength;
    private long _durableLength;

    private CatalogLog(IDisk disk, UInt128 storeId) => (_disk, _storeId) = (disk, storeId);

    /// <summary>The current file's number.</summary>
    public uint Generation { get; private set; }

    /// <summary>Bytes in the current file.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes behind the last whole record when the file was read: a torn tail, if no writer is at work.</summary>
    public long TornBytes { get; private set; }

    /// <summary>True after a failed write: the next change writes a new file.</summary>
    public bool IsBroken { get; private set; }

    public static string PathOf(uint generation) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{generation}");

    /// <summary>Numbers of the catalog files that there are.</summary>
    public static uint[] Generations(IDisk disk) =>
        [.. disk.List("").Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => uint.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out uint generation)
                && PathOf(generation) == name ? generation : 0).Where(generation => generation > 0)];

    /// <summary>Writes the first, empty catalog of a store.</summary>
    public static void Create(IDisk disk, UInt128 storeId)
    {
        using var log = new CatalogLog(disk, storeId);
        log.Rewrite(new CatalogState());
    }

    /// <summary>Writes a catalog in place of those that there are.</summary>
    public static void Replace(IDisk disk, UInt128 storeId, CatalogState state)
    {
        uint[] old = Generations(disk);
        using var log = new CatalogLog(disk, storeId) { Generation = old.DefaultIfEmpty(0u).Max() };
        log.Rewrite(state);
    }

    /// <summary>Reads the newest catalog.</summary>
    /// <param name="disk">The store's disk.</param>
    /// <param name="storeId">Whose catalog it must be.</param>
    /// <param name="state">Filled.</param>
    /// <param name="forWriting">True to append to it later: a torn tail is cut off.</param>
    /// <exception cref="SnapException">There is none, or it is damaged.</exception>
    public static CatalogLog Load(IDisk disk, UInt128 storeId, CatalogState state, bool forWriting)
    {
        while (true)
        {
            uint[] generations = Generations(disk);
            if (generations.Length == 0)
                throw StoreErrors.Damaged(disk.Describe(PathOf(1)), null, "the catalog is missing");
            var log = new CatalogLog(disk, storeId) { Generation = generations.Max() };
            log._file = disk.OpenOrNull(PathOf(log.Generation), forWriting);
            if (log._file is null)
                continue; // A writer replaced it since it was listed.
            try
            {
                log.Replay(state, forWriting);
            }
            catch
            {
                log.Dispose();
                throw;
            }
            foreach (uint old in generations.Where(generation => forWriting && generation < log.Generation))
                disk.Unlink(PathOf(old));
            return log;
        }
    }

    /// <summary>True if nothing was added since it was read. A torn tail may have been replaced by as many bytes: then it isn't sure.</summary>
    public bool IsUnchanged() => TornBytes == 0 && _file!.Length == Length && Generations(_disk).DefaultIfEmpty(0u).Max() == Generation;

    /// <summary>Appends a change. The state must hold it already: a broken log is replaced by one written from the state.</summary>
    /// <exception cref="SnapException">The disk failed; the log is broken now.</exception>
    public void Append(CatalogState state, RecordKind kind, Action<ByteWriter> encode, bool sync)
    {
        if (IsBroken)
        {
            Rewrite(state);
            return;
        }
        _buffer.Clear();
        AddRecord(_buffer, kind, encode, Length, _durableLength);
        try
        {
            _file!.Write(_buffer.Written, Length);
            Length += _buffer.Length;
            if (sync)
            {
                _file.SyncData();
                _durableLength = Length;
            }
        }
        catch
        {
            IsBroken = true;
            throw;
        }
    }

    /// <summary>True when the changes outweigh what they are changes to.</summary>
    public bool WantsRewrite => IsBroken || Length > (2 * _compactedLength) + (1 << 20);

    /// <summary>Writes the whole state into the next file, durably.</summary>
    public void Rewrite(CatalogState state)
    {
        uint generation = Generation + 1;
        string temporary = PathOf(generation) + ".tmp";
        ByteWriter content = EncodeAll(state, generation);
        _disk.Unlink(temporary);
        IDiskFile file = _disk.CreateNew(temporary);
        try
        {
            file.Write(content.Written, 0);
            file.SyncData();
            _disk.Rename(temporary, PathOf(generation));
            _disk.SyncDirectory("");
        }
        catch
        {
            // The new file may have its name or not, now and after a crash; it says the same as the old one, which must not
            // get further changes then. The next attempt takes the next number.
            IsBroken = true;
            Generation = generation;
            file.Dispose();
            throw;
        }
        _file?.Dispose();
        _file = file;
        uint previous = Generation;
        (Generation, IsBroken) = (generation, false);
        Length = _compactedLength = _durableLength = content.Length;
        for (; previous > 0 && _disk.List("").Contains(PathOf(previous)); previous--)
            _disk.Unlink(PathOf(previous));
    }

    public void Dispose() => _file?.Dispose();

    private ByteWriter EncodeAll(CatalogState state, uint generation)
    {
        var all = new ByteWriter(64 << 10);
        uint saved = Generation;
        Generation = generation;
        lock (state.Gate)
        {
            AddRecord(all, RecordKind.CatalogStart, to => CatalogRecords.EncodeStart(to, _storeId, state), all.Length, 0);
            foreach ((string name, ulong next) in state.NextSequences())
            {
                AddRecord(all, RecordKind.NameState, to =>
                {
                    to.Text(name);
                    to.Varint(next);
                }, all.Length, 0);
            }
            foreach (SegmentEntry segment in state.AllSegments())
                AddRecord(all, RecordKind.SegmentState, to => CatalogRecords.EncodeSegment(to, segment), all.Length, 0);
            foreach (SnapshotEntry entry in state.AllEntries())
                AddRecord(all, RecordKind.SnapshotAdded, to => CatalogRecords.EncodeSnapshot(to, entry, [], 0, _ => null!), all.Length, 0);
            foreach ((string tag, SnapshotId id) in state.Tags)
                AddRecord(all, RecordKind.TagSet, to => EncodeTag(to, tag, id), all.Length, 0);
            foreach ((string name, string policy) in state.Policies)
            {
                AddRecord(all, RecordKind.PolicySet, to =>
                {
                    to.Text(name);
                    to.Text(policy);
                }, all.Length, 0);
            }
            AddRecord(all, RecordKind.CatalogComplete, _ => { }, all.Length, all.Length);
        }
        Generation = saved;
        return all;
    }

    public static void EncodeTag(ByteWriter to, string tag, SnapshotId id)
    {
        to.Text(tag);
        id.Write(to.Take(SnapshotId.Size));
    }

    private void AddRecord(ByteWriter to, RecordKind kind, Action<ByteWriter> encode, long offset, long durable)
    {
        int start = to.Length;
        to.Take(RecordFrame.HeaderSize);
        to.Varint((ulong)durable);
        encode(to);
        RecordFrame.Seal(to.WrittenFrom(start), kind, CatalogRecords.Version, new RecordPlace(0, Generation, offset));
    }

    private void Replay(CatalogState state, bool forWriting)
    {
        byte[] content = new byte[_file!.Length];
        int length = _file.Read(content, 0);
        ReadOnlySpan<byte> all = content.AsSpan(0, length);
        long offset = 0;
        bool isComplete = false;
        while (offset < length)
        {
            var place = new RecordPlace(0, Generation, offset);
            if (!RecordFrame.TryRead(all[(int)offset..], place, out RecordHeader header, out ReadOnlySpan<byte> body))
                break;
            try
            {
                if (header.Version != CatalogRecords.Version)
                    throw new FormatException($"version {header.Version} of it is unknown");
                var reader = new ByteReader(body);
                reader.Varint(long.MaxValue);
                CatalogRecords.Apply(state, header.Kind, reader.Rest(), _storeId);
            }
            catch (FormatException wrong)
            {
                throw StoreErrors.Damaged(_disk.Describe(PathOf(Generation)), offset, wrong.Message);
            }
            offset += header.TotalLength;
            if (header.Kind == RecordKind.CatalogComplete)
            {
                isComplete = true;
                _compactedLength = _durableLength = offset;
            }
        }
        if (!isComplete || IsDurableBeyond(all, offset))
            throw StoreErrors.Damaged(_disk.Describe(PathOf(Generation)), offset, "a record of the catalog is damaged");
        Length = offset;
        TornBytes = length - offset;
        if (forWriting && offset < _file.Length)
        {
            _file.Truncate(offset);
            _file.SyncData();
            _durableLength = offset;
        }
    }

    /// <summary>True if a whole record behind the hole at <paramref name="offset"/> says that the hole was durable once.</summary>
    private bool IsDurableBeyond(ReadOnlySpan<byte> all, long offset)
    {
        for (long at = offset + 1; at + RecordFrame.HeaderSize < all.Length; at++)
        {
            if (!RecordFrame.TryRead(all[(int)at..], new RecordPlace(0, Generation, at), out _, out ReadOnlySpan<byte> body))
                continue;
            var reader = new ByteReader(body);
            if (reader.Varint(long.MaxValue) > (ulong)offset)
                return true;
        }
        return false;
    }
}

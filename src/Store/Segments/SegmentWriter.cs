// Invariants.
// Must: after a failed write or sync nothing is appended any more (IsFailed); the segment is sealed where its last commit ended.
// Must: after a failed sync none succeeds any more: the kernel may have dropped the bytes that it could not write.
// Must: no offset is given out for bytes that lie behind a failed write.
using System.IO.Hashing;
using System.Buffers.Binary;
using Snap.Image;
using Snap.Store.Catalog;
using Snap.Store.Disk;
using Snap.Store.Format;

namespace Snap.Store.Segments;

/// <summary>Appends records to one open segment; used by one snapshot at a time.</summary>
internal sealed class SegmentWriter
{
    private const int BufferBytes = 256 << 10;
    private readonly IDiskFile _file;
    private readonly ByteWriter _buffer = new(BufferBytes + (80 << 10));
    private readonly XxHash3 _digest = new();
    private readonly List<SlotEntry> _newEntries = [];
    private readonly List<(uint Slot, ulong Hash)> _newHashes = [];
    private SnapException? _syncFailure;
    private long _bufferStart;
    private uint _startSlot;
    private long _tableBytesSinceWhole;
    private long _wholeTableBytes;

    public SegmentWriter(SegmentFile file, IDiskFile diskFile, SegmentEntry entry, bool isNew)
    {
        (File, _file, Entry, IsNew) = (file, diskFile, entry, isNew);
        _bufferStart = Start = entry.End;
        SlotEntry[] entries = file.AllEntries(entry.TableOffset);
        NextSlot = _startSlot = entries.Length == 0 ? 0 : entries[^1].FirstSlot + (uint)entries[^1].Span;
        _wholeTableBytes = entries.Length * 4;
    }

    public SegmentFile File { get; }

    public SegmentEntry Entry { get; }

    /// <summary>True until its first commit: its name in the directory isn't durable yet.</summary>
    public bool IsNew { get; private set; }

    public bool IsFailed { get; private set; }

    /// <summary>Where the current snapshot's records begin.</summary>
    public long Start { get; private set; }

    /// <summary>Where the next record goes.</summary>
    public long Position => _bufferStart + _buffer.Length;

    /// <summary>The next free slot.</summary>
    public uint NextSlot { get; private set; }

    public SlotAddress TakeSlots(int count)
    {
        var first = new SlotAddress(Entry.Segment, NextSlot);
        NextSlot = checked(NextSlot + (uint)count);
        return first;
    }

    /// <summary>Appends a record that holds slots.</summary>
    public SlotEntry AppendSlots(RecordKind kind, byte version, uint firstSlot, int count, ReadOnlySpan<byte> head, ReadOnlySpan<byte> payload)
    {
        (long offset, int length) = Append(kind, version, head, payload);
        var entry = new SlotEntry(firstSlot, (ushort)((1 << count) - 1), offset, length);
        File.AddEntry(entry);
        _newEntries.Add(entry);
        return entry;
    }

    /// <summary>Appends a record whose slots are given.</summary>
    public void AppendEntry(RecordKind kind, byte version, uint firstSlot, ushort mask, ReadOnlySpan<byte> body)
    {
        (long offset, int length) = Append(kind, version, body, default);
        var entry = new SlotEntry(firstSlot, mask, offset, length);
        File.AddEntry(entry);
        _newEntries.Add(entry);
    }

    /// <summary>Remembers the hash of a stored page for the index.</summary>
    public void AddHash(uint slot, ulong hash) => _newHashes.Add((slot, hash));

    /// <summary>Appends a record.</summary>
    /// <returns>Where it begins, and its length with its header.</returns>
    public (long Offset, int Length) Append(RecordKind kind, byte version, ReadOnlySpan<byte> head, ReadOnlySpan<byte> payload)
    {
        Invariant.Holds(!IsFailed);
        if (head.Length + payload.Length > RecordFrame.MaxBodyLength)
            throw new SnapException(ErrorCatalogue.StoreDisk, "a record is too large for the store",
                why: $"{head.Length + payload.Length} bytes, at most {RecordFrame.MaxBodyLength}");
        long offset = Position;
        int start = _buffer.Length;
        Span<byte> record = _buffer.Take(RecordFrame.HeaderSize + head.Length + payload.Length);
        head.CopyTo(record[RecordFrame.HeaderSize..]);
        payload.CopyTo(record[(RecordFrame.HeaderSize + head.Length)..]);
        ulong checksum = RecordFrame.Seal(record, kind, version, new RecordPlace(Entry.Segment, Entry.Generation, offset));
        if (kind != RecordKind.Commit)
        {
            Span<byte> bytes = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, checksum);
            _digest.Append(bytes);
        }
        int length = _buffer.Length - start;
        if (_buffer.Length >= BufferBytes)
            Flush();
        return (offset, length);
    }

    /// <summary>Writes what is buffered, so that it can be read back; not durable yet.</summary>
    public void Flush()
    {
        if (_buffer.Length == 0)
            return;
        Guarded(() => _file.Write(_buffer.Written, _bufferStart));
        _bufferStart += _buffer.Length;
        _buffer.Clear();
    }

    /// <summary>Makes what was flushed durable, also after a failed write.</summary>
    /// <exception cref="SnapException">The disk failed, now or in an earlier sync: what that one was for may be lost, whatever a later one says.</exception>
    public void Sync()
    {
        if (_syncFailure is not null)
            throw new SnapException(_syncFailure.Kind, _syncFailure.What, _syncFailure.Where, _syncFailure.Why, _syncFailure.ToDo, _syncFailure);
        try
        {
            _file.SyncData();
        }
        catch (SnapException failure)
        {
            (IsFailed, _syncFailure) = (true, failure);
            throw;
        }
    }

    /// <summary>Appends hashes and slot table of the current snapshot's records.</summary>
    /// <returns>What it wrote in this segment so far.</returns>
    public CommitExtent AppendTables()
    {
        long? hashes = null;
        var body = new ByteWriter(1024);
        if (_newHashes.Count > 0)
        {
            _newHashes.Sort((left, right) => left.Slot.CompareTo(right.Slot));
            HashesRecord.Encode(body, Entry.HashesOffset, _newHashes);
            hashes = Append(RecordKind.Hashes, HashesRecord.Version, body.Written, default).Offset;
            body.Clear();
        }
        // Increments of the table until they weigh as much as the whole: readers then read at most twice its size, writers write that.
        _newEntries.Sort((left, right) => left.FirstSlot.CompareTo(right.FirstSlot));
        SlotTable.Encode(body, Entry.TableOffset, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_newEntries));
        _tableBytesSinceWhole += body.Length + RecordFrame.HeaderSize;
        bool isWhole = Entry.TableOffset is null || _tableBytesSinceWhole > _wholeTableBytes + 512;
        if (isWhole)
        {
            body.Clear();
            SlotTable.Encode(body, null, File.AllEntries(null));
            (_wholeTableBytes, _tableBytesSinceWhole) = (body.Length, 0);
        }
        long table = Append(RecordKind.SlotTable, SlotTable.Version, body.Written, default).Offset;
        return new CommitExtent(Entry.Segment, Start, Position, table, hashes, _digest.GetCurrentHashAsUInt64());
    }

    /// <summary>The current snapshot is durable: the next one begins here.</summary>
    public void Committed(CommitExtent extent)
    {
        File.MarkLoaded(extent.TableOffset);
        IsNew = false;
        Start = Position;
        _startSlot = NextSlot;
        _newEntries.Clear();
        _newHashes.Clear();
        _digest.Reset();
    }

    /// <summary>Takes back the current snapshot's records; the segment goes on, or is failed if they can't be cut off.</summary>
    public void TakeBack()
    {
        _buffer.Clear();
        _bufferStart = Start;
        File.ForgetFrom(Start);
        NextSlot = _startSlot;
        _newEntries.Clear();
        _newHashes.Clear();
        _digest.Reset();
        if (!IsFailed)
            Guarded(() => _file.Truncate(Start));
    }

    private void Guarded(Action step)
    {
        Invariant.Holds(!IsFailed);
        try
        {
            step();
        }
        catch
        {
            IsFailed = true;
            throw;
        }
    }
}

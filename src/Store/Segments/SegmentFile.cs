using Snap.Image;
using Snap.Store.Disk;
using Snap.Store.Format;

namespace Snap.Store.Segments;

/// <summary>One generation of a segment, open for reading; safe from several threads.</summary>
/// <remarks>
/// Slots are looked up in the chain of slot tables, read when first needed. A writer in this process adds the slots that it appends
/// (<see cref="AddEntry"/>); they are addressed by nothing durable before its commit.
/// </remarks>
internal sealed class SegmentFile : IDisposable
{
    private readonly IDisk _disk;
    private readonly Lock _gate = new();
    private List<SlotEntry> _entries = [];
    private byte[] _windowReads = [];
    private IDiskFile? _file;
    private long? _loadedTable;

    public SegmentFile(IDisk disk, uint segment, uint generation)
    {
        (_disk, Segment, Generation) = (disk, segment, generation);
        Path = SegmentName.Of(segment, generation);
    }

    public uint Segment { get; }

    public uint Generation { get; }

    public string Path { get; }

    public string Description => _disk.Describe(Path);

    /// <summary>Gives the file that a writer has just created or opened, so that it isn't opened again.</summary>
    public void Attach(IDiskFile file) => _file = file;

    /// <summary>Finds where a slot lies.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="newestTable">Offset of the newest slot table that the catalog knows, if any.</param>
    /// <param name="entry">Its record.</param>
    public bool TryFind(uint slot, long? newestTable, out SlotEntry entry)
    {
        lock (_gate)
        {
            if (TrySearch(slot, out entry))
                return true;
            if (!IsNewer(newestTable))
                return false;
            LoadTables(newestTable!.Value);
            return TrySearch(slot, out entry);
        }
    }

    /// <summary>All slots up to the newest table, ascending.</summary>
    public SlotEntry[] AllEntries(long? newestTable)
    {
        lock (_gate)
        {
            if (IsNewer(newestTable))
                LoadTables(newestTable!.Value);
            return [.. _entries];
        }
    }

    /// <summary>Adds a record that a writer appended. Groups of pages may end in another order than they began: its place is near the end.</summary>
    public void AddEntry(SlotEntry entry)
    {
        lock (_gate)
        {
            int at = _entries.Count;
            while (at > 0 && _entries[at - 1].FirstSlot > entry.FirstSlot)
                at--;
            Invariant.Holds(at == 0 || _entries[at - 1].FirstSlot + (uint)_entries[at - 1].Span <= entry.FirstSlot);
            Invariant.Holds(at == _entries.Count || entry.FirstSlot + (uint)entry.Span <= _entries[at].FirstSlot);
            _entries.Insert(at, entry);
        }
    }

    /// <summary>Forgets the records from an offset on: they were cut off.</summary>
    public void ForgetFrom(long offset)
    {
        lock (_gate)
            _entries.RemoveAll(entry => entry.Offset >= offset);
    }

    /// <summary>A writer says that all tables up to this one are in the entries already.</summary>
    public void MarkLoaded(long table)
    {
        lock (_gate)
            _loadedTable = table;
    }

    /// <summary>Reads a record whose place and length are known, and checks it.</summary>
    /// <exception cref="SnapException">Damage, or the disk failed.</exception>
    public byte[] ReadRecord(long offset, int length, out RecordHeader header)
    {
        byte[] record = new byte[length];
        ReadRecord(offset, record, out header);
        return record;
    }

    /// <summary>Reads a record whose place and length are known to where the caller wants it, and checks it.</summary>
    /// <exception cref="SnapException">Damage, or the disk failed.</exception>
    public void ReadRecord(long offset, Span<byte> record, out RecordHeader header)
    {
        IDiskFile file = File();
        ReadAhead(file, offset);
        int read = file.Read(record, offset);
        if (read < record.Length || !RecordFrame.TryRead(record, new RecordPlace(Segment, Generation, offset), out header, out _)
            || header.TotalLength != record.Length)
            throw Damaged(offset, read < record.Length ? "the file ends too early" : "the checksum doesn't fit");
    }

    /// <summary>Reads a record of which only the place is known, and checks it.</summary>
    public byte[] ReadRecord(long offset, out RecordHeader header)
    {
        Span<byte> head = stackalloc byte[RecordFrame.HeaderSize];
        if (File().Read(head, offset) < head.Length || !RecordFrame.TryPeek(head, out RecordHeader peeked))
            throw Damaged(offset, "no record begins there");
        if (offset + peeked.TotalLength > File().Length)
            throw Damaged(offset, "the record's length leaves the file");
        return ReadRecord(offset, peeked.TotalLength, out header);
    }

    /// <summary>The user's error for bytes of this file.</summary>
    public SnapException Damaged(long offset, string why) => StoreErrors.Damaged(Description, offset, why);

    /// <summary>The file; opened when first needed.</summary>
    public IDiskFile File()
    {
        if (Volatile.Read(ref _file) is { } open)
            return open;
        lock (_gate)
            return _file ??= _disk.OpenOrNull(Path, forWriting: false) ?? throw StoreErrors.Damaged(Description, null, "the segment's file is missing");
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _file?.Dispose();
            _file = null;
        }
    }

    /// <summary>
    /// A late snapshot's pages lie strewn over its segments, and are read in the order of addresses: a wait for the disk for each of them.
    /// So a window that several records were read from is fetched as a whole. Who reads a page here and there fetches nothing else.
    /// </summary>
    private void ReadAhead(IDiskFile file, long offset)
    {
        const int WindowShift = 19;
        const byte Enough = 3;
        int window = (int)Math.Min(offset >> WindowShift, 1 << 16);
        byte[] reads = _windowReads;
        if (window >= reads.Length)
        {
            // Counts that another thread adds meanwhile may be lost: a hint comes later.
            Array.Resize(ref reads, Math.Max(window + 1, reads.Length * 2));
            _windowReads = reads;
        }
        if (reads[window] >= Enough)
            return;
        if (++reads[window] == Enough)
            file.Expect((long)window << WindowShift, 1 << WindowShift);
    }

    /// <summary>Tables come one behind the other; a writer may have gone on since the caller looked at the catalog.</summary>
    private bool IsNewer(long? table) => table is { } offset && (_loadedTable is null || offset > _loadedTable);

    private bool TrySearch(uint slot, out SlotEntry entry)
    {
        // Most records take sixteen slots: a guess is off by a few, and steps that double find the bounds between which to halve.
        int low = 0;
        int high = _entries.Count - 1;
        if (high > 0 && slot < _entries[high].FirstSlot)
        {
            uint first = _entries[0].FirstSlot;
            int guess = slot <= first ? 0 : (int)((ulong)(slot - first) * (ulong)high / (_entries[high].FirstSlot - first));
            int step = 1;
            if (_entries[guess].FirstSlot <= slot)
            {
                for (low = guess; guess + step < high && _entries[guess + step].FirstSlot <= slot; step *= 2)
                    low = guess + step;
                high = Math.Min(high, guess + step);
            }
            else
            {
                for (high = guess; guess - step > 0 && _entries[guess - step].FirstSlot > slot; step *= 2)
                    high = guess - step;
                low = Math.Max(0, guess - step);
            }
        }
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            entry = _entries[middle];
            if (slot < entry.FirstSlot)
                high = middle - 1;
            else if (slot - entry.FirstSlot >= (uint)entry.Span)
                low = middle + 1;
            else
                return entry.Holds(slot);
        }
        entry = default;
        return false;
    }

    private void LoadTables(long newest)
    {
        var tables = new Stack<List<SlotEntry>>();
        long? next = newest;
        while (next is { } offset && offset != _loadedTable)
        {
            byte[] record = ReadRecord(offset, out RecordHeader header);
            if (header.Kind != RecordKind.SlotTable || header.Version != SlotTable.Version)
                throw Damaged(offset, $"a slot table was expected, not a record of kind {header.Kind}, version {header.Version}");
            try
            {
                tables.Push(SlotTable.Decode(record.AsSpan(RecordFrame.HeaderSize), out next));
            }
            catch (FormatException wrong)
            {
                throw Damaged(offset, wrong.Message);
            }
            if (next >= offset)
                throw Damaged(offset, "a slot table adds to one behind it");
        }
        // The chain either ends in a whole table or meets the one that is loaded already.
        if (next is null)
            _entries = tables.Pop();
        _entries.EnsureCapacity(_entries.Count + tables.Sum(table => table.Count));
        foreach (List<SlotEntry> table in tables)
            _entries.AddRange(table);
        for (int i = 1; i < _entries.Count; i++)
        {
            if (_entries[i - 1].FirstSlot + (uint)_entries[i - 1].Span > _entries[i].FirstSlot)
                throw Damaged(newest, "slot tables overlap");
        }
        _loadedTable = newest;
    }
}

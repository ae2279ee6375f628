// After a crash the catalog may lack the newest commits: they are durable in their segments, and found here.
// A commit counts only if every record of its extents is whole, and their digest is the commit record's: with one sync for data and commit
// record together, a power cut may have kept any of them. What lies behind the last commit of a segment is nothing, and a writer cuts it off.
using System.Buffers.Binary;
using System.IO.Hashing;
using Snap.Store.Disk;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Store.Catalog;

/// <summary>Finds the commits that the catalog lacks.</summary>
internal sealed class Recovery(IDisk disk, StoreConfig config, CatalogState state)
{
    private readonly Dictionary<uint, string> _newNames = [];

    /// <summary>Adds every commit that the catalog lacks to the state.</summary>
    /// <returns>The segments that hold them.</returns>
    public List<uint> FindCommits()
    {
        var found = new List<(SnapshotEntry Entry, List<CommitExtent> Extents, long End)>();
        foreach ((uint segment, long from) in Candidates())
            Scan(segment, from, found);
        var touched = new List<uint>();
        foreach ((SnapshotEntry entry, List<CommitExtent> extents, long end) in found.OrderBy(commit => commit.Entry.Info.Time)
            .ThenBy(commit => commit.Entry.Info.Sequence))
        {
            state.AddCommit(entry, extents, end,
                segment => new SegmentEntry { Segment = segment, Generation = 1, Name = _newNames[segment] });
            touched.AddRange(extents.Select(extent => extent.Segment));
        }
        return touched;
    }

    /// <summary>Segments that may have grown since the catalog was written, and from where on.</summary>
    private List<(uint Segment, long From)> Candidates()
    {
        var candidates = new List<(uint, long)>();
        foreach (string file in disk.List(SegmentName.Directory))
        {
            if (!SegmentName.TryParse(file, out uint segment, out uint generation))
                continue;
            SegmentEntry? known = state.FindSegment(segment);
            if (known is { IsSealed: false } && known.Generation == generation)
                candidates.Add((segment, known.End));
            else if (known is null && segment >= state.NextSegment && generation == 1)
                candidates.Add((segment, 0));
        }
        candidates.Sort();
        return candidates;
    }

    private void Scan(uint segment, long from, List<(SnapshotEntry, List<CommitExtent>, long)> found)
    {
        using IDiskFile? file = disk.OpenOrNull(SegmentName.Of(segment, Generation(segment)), forWriting: false);
        if (file is null)
            return;
        long length = file.Length;
        if (from == 0 && !TryReadStart(file, segment, length))
            return;
        Span<byte> head = stackalloc byte[RecordFrame.HeaderSize];
        long at = from;
        while (at + RecordFrame.HeaderSize <= length && file.Read(head, at) == head.Length
            && RecordFrame.TryPeek(head, out RecordHeader header) && at + header.TotalLength <= length)
        {
            if (header.Kind == RecordKind.Commit)
            {
                if (!TryReadCommit(file, segment, at, from, header, out SnapshotEntry? entry, out List<CommitExtent>? extents))
                    return;
                from = at + header.TotalLength;
                found.Add((entry, extents, from));
            }
            at += header.TotalLength;
        }
    }

    private bool TryReadCommit(IDiskFile file, uint segment, long at, long from, RecordHeader header,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SnapshotEntry? entry,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out List<CommitExtent>? extents)
    {
        (entry, extents) = (null, null);
        byte[] record = new byte[header.TotalLength];
        if (file.Read(record, at) < record.Length
            || !RecordFrame.TryRead(record, new RecordPlace(segment, Generation(segment), at), out RecordHeader checkedHeader, out ReadOnlySpan<byte> body)
            || checkedHeader.Version != CommitRecord.Version)
            return false;
        List<CommitExtent> listed;
        SnapshotEntry read;
        try
        {
            (read, listed) = CommitRecord.Decode(body);
        }
        catch (FormatException)
        {
            return false;
        }
        if (listed.Count == 0 || listed[^1].Segment != segment || listed[^1].Start != from || listed[^1].End != at)
            return false;
        if (!listed.TrueForAll(IsWhole))
            return false;
        (entry, extents) = (read, listed);
        return true;
    }

    /// <summary>True if every record of the extent is whole, and they are the ones that the commit wrote.</summary>
    private bool IsWhole(CommitExtent extent)
    {
        uint generation = Generation(extent.Segment);
        using IDiskFile? file = disk.OpenOrNull(SegmentName.Of(extent.Segment, generation), forWriting: false);
        if (file is null || extent.End > file.Length || (extent.Start == 0 && !TryReadStart(file, extent.Segment, file.Length)))
            return false;
        var digest = new XxHash3();
        byte[] record = new byte[128 << 10];
        Span<byte> checksum = stackalloc byte[8];
        long at = extent.Start;
        while (at < extent.End)
        {
            if (file.Read(record.AsSpan(0, RecordFrame.HeaderSize), at) < RecordFrame.HeaderSize
                || !RecordFrame.TryPeek(record, out RecordHeader header) || at + header.TotalLength > extent.End)
                return false;
            if (header.TotalLength > record.Length)
                record = new byte[header.TotalLength];
            Span<byte> whole = record.AsSpan(0, header.TotalLength);
            if (file.Read(whole, at) < whole.Length
                || !RecordFrame.TryRead(whole, new RecordPlace(extent.Segment, generation, at), out header, out _))
                return false;
            BinaryPrimitives.WriteUInt64LittleEndian(checksum, header.Checksum);
            digest.Append(checksum);
            at += header.TotalLength;
        }
        return at == extent.End && digest.GetCurrentHashAsUInt64() == extent.Digest;
    }

    private bool TryReadStart(IDiskFile file, uint segment, long length)
    {
        if (_newNames.ContainsKey(segment))
            return true;
        byte[] record = new byte[(int)Math.Min(length, 4096)];
        if (file.Read(record, 0) < record.Length
            || !RecordFrame.TryRead(record, new RecordPlace(segment, 1, 0), out RecordHeader header, out ReadOnlySpan<byte> body)
            || header.Kind != RecordKind.SegmentStart || header.Version != SegmentStart.Version)
            return false;
        try
        {
            _newNames[segment] = SegmentStart.Decode(body, config.StoreId, segment, 1);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private uint Generation(uint segment) => state.FindSegment(segment)?.Generation ?? 1;
}

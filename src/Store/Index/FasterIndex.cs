// Files in the directory "index", all of them a cache:
//   log.*            FASTER's log of entries, hash -> address
//   checkpoints/     FASTER's checkpoints
//   absorbed         what the newest checkpoint holds: one record (kind Config, place 0) with
//                    varint buckets, varint entries, varint segments; each: varint segment, varint generation, varint offset of the newest
//                    record of hashes absorbed + 1
// Entries added since a checkpoint are lost with the process; they are read again from the records of hashes. Anything that doesn't fit,
// or can't be read, makes the index be rebuilt from these: it costs time, never data. Addresses it gives are always checked.
using System.Numerics;
using FASTER.core;
using Snap.Store.Catalog;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Store.Index;

/// <summary>The index of a large store: FasterKV, its log mostly on disk, its memory bounded.</summary>
internal sealed class FasterIndex : IChunkIndex
{
    private const int CheckpointEvery = 1 << 20;
    private readonly string _directory;
    private readonly Lock _gate = new();
    private readonly int _bucketBits;
    private readonly Dictionary<uint, (uint Generation, long Offset)> _absorbed;
    private readonly IDevice _device;
    private readonly FasterKV<ulong, ulong> _store;
    private readonly ClientSession<ulong, ulong, ulong, ulong, Empty, SimpleFunctions<ulong, ulong>> _session;
    private long _entries;
    private long _sinceCheckpoint;
    private long _sinceTableCheckpoint;

    private FasterIndex(string directory, int bucketBits, long budgetBytes, Absorbed? absorbed)
    {
        (_directory, _bucketBits) = (directory, bucketBits);
        _absorbed = absorbed?.Segments ?? [];
        _entries = absorbed?.Entries ?? 0;
        // The table takes 64 bytes a bucket; what is left of the budget is the log's part in memory.
        int memoryBits = Math.Clamp(BitOperations.Log2((ulong)Math.Max(1, budgetBytes - (64L << bucketBits))), 22, 30);
        _device = Devices.CreateLogDevice(Path.Combine(directory, "log"), preallocateFile: false, deleteOnClose: false);
        _store = new FasterKV<ulong, ulong>(1L << bucketBits,
            new LogSettings { LogDevice = _device, PageSizeBits = 20, MemorySizeBits = memoryBits, SegmentSizeBits = 26 },
            new CheckpointSettings { CheckpointDir = Path.Combine(directory, "checkpoints"), RemoveOutdated = true },
            comparer: new HashComparer());
        if (absorbed is not null)
            _store.Recover();
        _session = _store.For(new SimpleFunctions<ulong, ulong>()).NewSession<SimpleFunctions<ulong, ulong>>();
    }

    /// <summary>Entries, counted as they were added.</summary>
    public long Count => _entries;

    /// <summary>Opens the index, or builds it anew; reads what it lacks from the segments.</summary>
    public static FasterIndex Open(string directory, SegmentSet segments, CatalogState state, long expectedEntries, long budgetBytes, Action<string>? progress)
    {
        FasterIndex index = TryRecover(directory, expectedEntries, budgetBytes) ?? Create(directory, expectedEntries, budgetBytes, progress);
        try
        {
            index.CatchUp(segments, state, progress);
            return index;
        }
        catch
        {
            index.Dispose();
            throw;
        }
    }

    public bool TryFind(ulong hash, out SlotAddress address)
    {
        lock (_gate)
        {
            (Status status, ulong value) = _session.Read(hash);
            if (status.IsPending)
            {
                _session.CompletePendingWithOutputs(out CompletedOutputIterator<ulong, ulong, ulong, ulong, Empty> outputs, wait: true);
                if (outputs.Next())
                    (status, value) = (outputs.Current.Status, outputs.Current.Output);
                outputs.Dispose();
            }
            address = new SlotAddress(value);
            return status.Found;
        }
    }

    public void Add(IReadOnlyCollection<KeyValuePair<ulong, SlotAddress>> pages)
    {
        lock (_gate)
        {
            foreach ((ulong hash, SlotAddress address) in pages)
            {
                ulong key = hash;
                ulong value = address.Value;
                _session.Upsert(ref key, ref value);
            }
            _entries += pages.Count;
            _sinceCheckpoint += pages.Count;
            _sinceTableCheckpoint += pages.Count;
        }
    }

    /// <summary>Says that everything up to the catalog's newest records of hashes was added; makes a checkpoint when much was.</summary>
    public void Absorb(CatalogState state, bool force = false)
    {
        lock (_gate)
        {
            if (!force && _sinceCheckpoint < CheckpointEvery)
                return;
            foreach (SegmentEntry segment in state.AllSegments())
            {
                if (segment.HashesOffset is { } offset)
                    _absorbed[segment.Segment] = (segment.Generation, offset);
            }
            Checkpoint();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _session.Dispose();
            _store.Dispose();
            _device.Dispose();
            Protect();
        }
    }

    /// <summary>FASTER makes its files for everybody. Nobody else gets into the directory, but modes outlive a move.</summary>
    private void Protect()
    {
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        foreach (string path in Directory.EnumerateFiles(_directory, "*", SearchOption.AllDirectories))
            File.SetUnixFileMode(path, OwnerOnly);
        foreach (string path in Directory.EnumerateDirectories(_directory, "*", SearchOption.AllDirectories))
            File.SetUnixFileMode(path, OwnerOnly | UnixFileMode.UserExecute);
    }

    private static FasterIndex? TryRecover(string directory, long expectedEntries, long budgetBytes)
    {
        try
        {
            Absorbed? absorbed = Absorbed.Read(directory);
            // A table that became too small for its entries is made anew, larger, if the budget allows.
            if (absorbed is null || BucketBits(expectedEntries, budgetBytes) > absorbed.BucketBits + 2)
                return null;
            return new FasterIndex(directory, absorbed.BucketBits, budgetBytes, absorbed);
        }
        catch (Exception damage) when (damage is FasterException or IOException or FormatException or ArgumentException or InvalidOperationException
            or UnauthorizedAccessException or IndexOutOfRangeException or OverflowException)
        {
            return null; // A damaged cache: it is made anew.
        }
    }

    private static FasterIndex Create(string directory, long expectedEntries, long budgetBytes, Action<string>? progress)
    {
        progress?.Invoke("building the index of stored pages");
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new FasterIndex(directory, BucketBits(expectedEntries, budgetBytes), budgetBytes, null);
    }

    /// <summary>Buckets hold 7 entries; at most two thirds of the budget are theirs.</summary>
    private static int BucketBits(long entries, long budgetBytes)
    {
        int bits = 14;
        while (bits < 26 && (4L << bits) < entries && (64L << (bits + 1)) <= budgetBytes * 2 / 3)
            bits++;
        return bits;
    }

    private void CatchUp(SegmentSet segments, CatalogState state, Action<string>? progress)
    {
        foreach (SegmentEntry segment in state.AllSegments())
        {
            // Another generation has the same slots and hashes, or fewer: nothing new in it if it was absorbed whole.
            long absorbed = _absorbed.TryGetValue(segment.Segment, out (uint Generation, long Offset) known)
                ? known.Generation == segment.Generation ? known.Offset : long.MaxValue : -1;
            foreach ((long offset, List<KeyValuePair<ulong, SlotAddress>> page) in HashReader.ReadWithOffsets(segments, segment))
            {
                if (offset <= absorbed)
                    break;
                Add(page);
                if (_sinceCheckpoint >= CheckpointEvery)
                    progress?.Invoke($"index: {_entries} pages");
            }
        }
        Absorb(state);
    }

    private void Checkpoint()
    {
        if (_sinceCheckpoint == 0)
            return;
        // The log alone is quick; now and then the table too, so that recovery needn't replay it all.
        bool isWhole = !File.Exists(Path.Combine(_directory, Absorbed.FileName)) || _sinceTableCheckpoint > 4 * CheckpointEvery;
        bool isBegun = isWhole ? _store.TryInitiateFullCheckpoint(out _, CheckpointType.FoldOver)
            : _store.TryInitiateHybridLogCheckpoint(out _, CheckpointType.FoldOver);
        if (!isBegun)
            return;
        _store.CompleteCheckpointAsync().AsTask().GetAwaiter().GetResult();
        new Absorbed(_bucketBits, _entries, _absorbed).Write(_directory);
        _sinceCheckpoint = 0;
        if (isWhole)
            _sinceTableCheckpoint = 0;
    }

    /// <summary>Hashes are hashes already; FASTER's default comparer would need reflection.</summary>
    private sealed class HashComparer : IFasterEqualityComparer<ulong>
    {
        public long GetHashCode64(ref ulong key) => (long)key;

        public bool Equals(ref ulong left, ref ulong right) => left == right;
    }

    private sealed record Absorbed(int BucketBits, long Entries, Dictionary<uint, (uint Generation, long Offset)> Segments)
    {
        public const string FileName = "absorbed";

        public static Absorbed? Read(string directory)
        {
            string path = Path.Combine(directory, FileName);
            if (!File.Exists(path)
                || !RecordFrame.TryRead(File.ReadAllBytes(path), default, out _, out ReadOnlySpan<byte> body))
                return null;
            var reader = new ByteReader(body);
            int bucketBits = (int)reader.Varint(30);
            long entries = (long)reader.Varint(long.MaxValue);
            var segments = new Dictionary<uint, (uint, long)>();
            for (int left = reader.Count(3); left > 0; left--)
                segments[reader.Varint32()] = (reader.Varint32(), (long)reader.Varint(long.MaxValue) - 1);
            return new Absorbed(bucketBits, entries, segments);
        }

        public void Write(string directory)
        {
            var to = new ByteWriter();
            to.Take(RecordFrame.HeaderSize);
            to.Varint((ulong)BucketBits);
            to.Varint((ulong)Entries);
            to.Varint((ulong)Segments.Count);
            foreach ((uint segment, (uint generation, long offset)) in Segments)
            {
                to.Varint(segment);
                to.Varint(generation);
                to.Varint((ulong)(offset + 1));
            }
            RecordFrame.Seal(to.WrittenFrom(0), RecordKind.Config, 1, default);
            string temporary = Path.Combine(directory, FileName + ".tmp");
            File.WriteAllBytes(temporary, to.Written.ToArray());
            File.Move(temporary, Path.Combine(directory, FileName), overwrite: true);
        }
    }
}

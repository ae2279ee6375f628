using System.IO.Hashing;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Snap.Image;
using Snap.Store;
using Snap.Store.Blocks;
using Snap.Store.Index;

namespace Snap.Bench;

/// <summary>The store's inner steps on 64 KiB, 16 pages, of a real program's memory; a hash or a comparison is of one page.</summary>
[MemoryDiagnoser]
public class StoreMicro
{
    private const int GroupBytes = 16 * PageRange.PageSize;
    private readonly byte[] _group = new byte[GroupBytes];
    private readonly byte[] _base = new byte[GroupBytes];
    private readonly byte[] _copy = new byte[GroupBytes];
    private readonly byte[] _plain = new byte[GroupBytes];
    private readonly byte[] _delta = new byte[GroupBytes];
    private readonly byte[] _into = new byte[GroupBytes];
    private readonly MemoryIndex _index = new();
    private int _plainLength, _deltaLength;
    private string _directory = "";
    private StoreWriter? _store;
    private SnapshotId _parent;
    private ulong _next;

    [GlobalSetup]
    public void SetUp()
    {
        // Our own heap: objects of a running .NET program.
        var random = new Random(4711);
        object[] objects = [.. Enumerable.Range(0, 4000).Select(i => (object)$"object {i} {random.Next(1000)}")];
        System.Text.Encoding.Unicode.GetBytes(string.Concat(objects)).AsSpan(0, GroupBytes).CopyTo(_base);
        _base.CopyTo(_group, 0);
        _base.CopyTo(_copy, 0);
        for (int page = 0; page < 16; page++)
        {
            for (int word = 0; word < 4; word++)
                random.NextBytes(_group.AsSpan((page * PageRange.PageSize) + (random.Next(512) * 8), 8));
        }
        _plainLength = Zstd.Compress(_group, default, _plain, level: 1);
        _deltaLength = Zstd.Compress(_group, _base, _delta, level: 1);
        _index.Add([.. Enumerable.Range(1, 1_000_000).Select(i => KeyValuePair.Create((ulong)i * 0x9E3779B97F4A7C15, new SlotAddress(1, (uint)i)))]);
        _directory = Directory.CreateTempSubdirectory("snap-micro-").FullName;
        _store = StoreWriter.Open(Path.Combine(_directory, "store"));
        using SnapshotBuilder builder = _store.Begin("micro", SnapshotId.None);
        builder.Put(new SpaceId(1), 0, _base);
        _parent = builder.Commit(new SnapshotHeader("micro", DateTimeOffset.UnixEpoch), default).Id;
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _store?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Benchmark]
    public UInt128 Hash() => XxHash128.HashToUInt128(_group.AsSpan(0, PageRange.PageSize), 42);

    [Benchmark]
    public bool Compare() => _base.AsSpan(0, PageRange.PageSize).SequenceEqual(_copy.AsSpan(0, PageRange.PageSize));

    [Benchmark]
    public int EncodePlain() => Zstd.Compress(_group, default, _into, level: 1);

    [Benchmark]
    public int EncodeDelta() => Zstd.Compress(_group, _base, _into, level: 1);

    [Benchmark]
    public bool DecodePlain() => Zstd.TryDecompress(_plain.AsSpan(0, _plainLength), default, _into);

    [Benchmark]
    public bool DecodeDelta() => Zstd.TryDecompress(_delta.AsSpan(0, _deltaLength), _base, _into);

    [Benchmark]
    public bool IndexHit() => _index.TryFind(((_next++ % 1_000_000) + 1) * 0x9E3779B97F4A7C15, out _);

    [Benchmark]
    public bool IndexMiss() => _index.TryFind((_next++ * 2) + 1, out _);

    [Benchmark]
    public SnapshotId Commit()
    {
        using SnapshotBuilder builder = _store!.Begin("micro", _parent);
        _group[_next++ % GroupBytes]++;
        builder.Put(new SpaceId(1), 0, _group);
        return _parent = builder.Commit(new SnapshotHeader("micro", DateTimeOffset.UnixEpoch), default).Id;
    }

    /// <summary>All of them, in this process: nothing else has to be built.</summary>
    public static int RunAll()
    {
        BenchmarkRunner.Run<StoreMicro>(ManualConfig.Create(DefaultConfig.Instance).AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
            .WithArtifactsPath(Directory.CreateTempSubdirectory("snap-micro-").FullName));
        return 0;
    }
}

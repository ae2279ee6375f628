using Snap.Kernel.Processes;
using Snap.Restorer;
using Snap.Store;
using Snap.Testing;

namespace Snap.Engine.Tests;

/// <summary>An engine over a store in a temporary directory whose tracers, real processes, wait for the next one when it ends without a word.</summary>
internal sealed class OrphaningEngine : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TimeSpan _patience;
    private SnapEngine? _engine;

    public OrphaningEngine(TimeSpan? patience = null, string? fault = null)
    {
        _patience = patience ?? TimeSpan.FromMinutes(5);
        Open(fault);
    }

    public SnapEngine Engine => _engine ?? throw new InvalidOperationException("it is dead");

    /// <summary>Called at each fault point of the engine.</summary>
    public Action<FaultPoint> OnPass { get; set; } = _ => { };

    /// <summary>What engines said of tracers that others left behind.</summary>
    public List<string> Said { get; } = [];

    public string StoreDirectory => _directory["store"];

    /// <summary>Sockets of tracers that are there.</summary>
    public IReadOnlyList<string> Meetings => Directory.Exists(Path.Combine(StoreDirectory, "tracers")) ? Directory.GetFiles(Path.Combine(StoreDirectory, "tracers")) : [];

    /// <summary>Breaks off every connection to a tracer without a word, as the kernel does when the process ends, and gives up the store.</summary>
    public void Die()
    {
        Engine.Leave();
        Engine.Dispose();
        _engine = null;
    }

    /// <summary>The next engine.</summary>
    public void Open(string? fault = null)
    {
        _engine = SnapEngine.Open(StoreDirectory, new EngineOptions { Tracer = LiveEngine.Launch(fault), TracerPatience = _patience, OnPass = point => OnPass(point) });
        _engine.Tell = Said.Add;
    }

    /// <summary>Kills the target, brings it back from a snapshot, and has it check itself.</summary>
    public void RestoreAndCheck(Target target, SnapshotInfo snapshot)
    {
        Assert.Empty(target.Check());
        target.Kill();
        RestoredProcess restored = Engine.Restore(snapshot.Id, new RestoreOptions());
        restored.Release();
        target.Adopt(restored.Pid, restored.Child);
        Assert.Empty(target.Check());
    }

    public void Dispose()
    {
        _engine?.Dispose();
        new OrphanedTracers(StoreDirectory).LetGoAll();
        _directory.Dispose();
    }
}

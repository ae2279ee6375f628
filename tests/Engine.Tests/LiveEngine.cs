using Snap.Dumper.Host;
using Snap.Kernel.Processes;
using Snap.Restorer;
using Snap.Store;
using Snap.Testing;

namespace Snap.Engine.Tests;

/// <summary>An engine over a store in a temporary directory, with real tracer processes.</summary>
internal sealed class LiveEngine : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public LiveEngine(string? fault = null)
    {
        Engine = SnapEngine.Open(StoreDirectory, new EngineOptions { Tracer = Launch(fault) });
    }

    public SnapEngine Engine { get; private set; }

    public string StoreDirectory => _directory["store"];

    /// <summary>The product's binary as this test project's build left it.</summary>
    public static string Binary => Path.Combine(AppContext.BaseDirectory, "snap");

    public static TracerLaunch Launch(string? fault = null) => new()
    {
        Program = [Binary, TracerHost.Command],
        Environment = new Dictionary<string, string?> { [Fault.Variable] = fault },
    };

    /// <summary>The next engine on the same store.</summary>
    public void Reopen(string? fault = null)
    {
        Engine.Dispose();
        Engine = SnapEngine.Open(StoreDirectory, new EngineOptions { Tracer = Launch(fault) });
    }

    /// <summary>Kills the target, and brings it back from a snapshot.</summary>
    public RestoredProcess Restore(Target target, SnapshotInfo snapshot)
    {
        if (target.IsAlive)
            target.Kill();
        RestoredProcess restored = Engine.Restore(snapshot.Id, new RestoreOptions());
        restored.Release();
        target.Adopt(restored.Pid, restored.Child);
        return restored;
    }

    public void Dispose()
    {
        Engine.Dispose();
        _directory.Dispose();
    }
}

using Snap.Dumper.Host;
using Snap.Dumper.Tests.Host;
using Snap.Image;
using Snap.Kernel.Processes;
using Snap.Store;
using Snap.Testing;

namespace Snap.Engine.Tests;

/// <summary>An engine over a real store in a temporary directory, its tracers models on threads; the target is a sleeping process that nobody touches.</summary>
internal sealed class ModelEngine : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly List<TracerOnThread> _threads = [];

    public ModelEngine(StoreOptions? store = null) => Engine = Open(store);

    public SnapEngine Engine { get; private set; }

    /// <summary>Called for each tracer that is started.</summary>
    public Action<ModelTracer> OnStart { get; set; } = _ => { };

    /// <summary>Called at each fault point of the engine.</summary>
    public Action<FaultPoint> OnPass { get; set; } = _ => { };

    /// <summary>The tracers, in the order they were started.</summary>
    public List<ModelTracer> Tracers { get; } = [];

    public string StoreDirectory => _directory["store"];

    public Command Target { get; } = Command.Start("sleep", ["1000"]);

    /// <summary>Ends the engine and opens the store anew, as the next command would.</summary>
    public void Reopen()
    {
        Engine.Dispose();
        Engine = Open(null);
    }

    /// <summary>What the store says memory was.</summary>
    public string Read(SnapshotInfo snapshot)
    {
        using SnapshotContent content = Engine.Reader.OpenSnapshot(snapshot.Id);
        var found = new Dictionary<ulong, byte>();
        var page = new byte[PageRange.PageSize];
        foreach (PageRun run in content.Runs(ModelTracer.Space))
        {
            for (ulong at = run.Range.First; at < run.Range.End; at++)
            {
                content.ReadPages(ModelTracer.Space, at, page);
                Assert.False(page.AsSpan().ContainsAnyExcept(page[0]));
                found[at] = page[0];
            }
        }

        return ModelTracer.Text(found);
    }

    public void Dispose()
    {
        Engine.Dispose();
        Target.Dispose();
        _directory.Dispose();
    }

    private SnapEngine Open(StoreOptions? store) => SnapEngine.Open(StoreDirectory, new EngineOptions { StartTracer = Start, Store = store ?? new StoreOptions(), OnPass = point => OnPass(point) });

    private TracerProcess Start(AttachRequest request)
    {
        var tracer = new ModelTracer(request.Pid) { KnownSpaces = request.KnownSpaces };
        OnStart(tracer);
        Tracers.Add(tracer);
        TracerOnThread running = TracerOnThread.Start(_ => tracer, new SharedLayout(1 << 20, 1 << 20, 1 << 20), request);
        _threads.Add(running);
        return running.EngineEnd;
    }
}

using Snap.Engine.Client;
using Snap.Engine.Server;
using Snap.Testing;

namespace Snap.Engine.Tests;

/// <summary>A model engine that is served in this process, and a client of it.</summary>
internal sealed class ServedEngine : IDisposable
{
    private readonly TemporaryDirectory _log = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    public ServedEngine(TimeSpan? linger = null, Func<string, bool>? takesSockets = null)
    {
        using var ready = new ManualResetEventSlim();
        _serving = Task.Run(async () =>
        {
            using var log = new EngineLog(LogPath, takesStandardError: false);
            await EngineHost.ServeAsync(Model.Engine, linger ?? TimeSpan.FromMinutes(1), log, ready.Set, _stop.Token, takesSockets);
        });
        Patience.Until(() => ready.IsSet || _serving.IsFaulted, "the engine to be ready");
        if (_serving.IsFaulted)
            _serving.GetAwaiter().GetResult();
        Client = new RemoteEngine(Model.StoreDirectory, mustExist: true);
    }

    public ModelEngine Model { get; } = new();

    public RemoteEngine Client { get; }

    public int Pid => Model.Target.Child.Pid;

    public string LogPath => _log["engine.log"];

    /// <summary>It ended by itself, or by request.</summary>
    public bool HasEnded => _serving.IsCompleted;

    public void Dispose()
    {
        _stop.Cancel();
        _serving.GetAwaiter().GetResult();
        Model.Dispose();
        _stop.Dispose();
        _log.Dispose();
    }
}

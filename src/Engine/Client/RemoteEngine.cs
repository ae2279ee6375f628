using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Snap.Engine.Api;
using Snap.Image;
using Snap.Kernel.Files;
using Snap.Store;

namespace Snap.Engine.Client;

/// <summary>The engine of a store in a process of its own, as a command sees it: found, or started at the first request, and asked through its socket.</summary>
public sealed class RemoteEngine : IEngine
{
    private const int PatienceMs = 30_000, RetryMs = 10;

    private readonly string _store;
    private readonly bool _mustExist;

    internal RemoteEngine(string store, bool mustExist) => (_store, _mustExist) = (store, mustExist);

    /// <inheritdoc/>
    public SnapshotInfo Take(TakeOptions options)
    {
        using HttpExchange exchange = Ask("POST", "/v1/take",
            new TakeRequest { Pid = options.Pid, Name = options.Name, Durability = options.Durability, Exclude = options.Exclude, MaxPauseMilliseconds = options.MaxPause?.TotalMilliseconds }, ApiJson.Default.TakeRequest);
        return Read(exchange, ApiJson.Default.SnapshotBody).ToInfo();
    }

    /// <inheritdoc/>
    public WatchResult Watch(int pid, WatchOptions options, CancellationToken cancellation)
    {
        using HttpExchange exchange = Ask("POST", "/v1/watches", Request(pid, options, detach: false), ApiJson.Default.WatchRequest);
        WatchStatus? last = null;
        CancellationTokenRegistration stopping = default;
        try
        {
            while (exchange.ReadBodyLine() is { } line)
            {
                WatchEvent said = JsonSerializer.Deserialize(line, ApiJson.Default.WatchEvent) ?? throw Broken();
                if (said.Watch is { } watch)
                    stopping = cancellation.Register(() => TryUnwatch(watch));
                if (said.Snapshot is { } snapshot)
                    options.OnSnapshot(snapshot.ToInfo());
                if (said.Status is { } status)
                    options.OnStatus(last = status.ToStatus());
                if (said.KeepFailure is { } failure)
                    options.OnKeepFailure(failure.ToException());
                if (said.Rescued is { } rescued)
                    options.OnRescued(rescued.ToTarget());
                if (said.GapFailure is { } gap)
                    options.OnGapFailure(gap.ToException());
                if (said.Error is { } error)
                    throw error.ToException();
                if (said.End is { } end)
                    return new WatchResult(end, last ?? throw Broken(), said.Exit is { } exit ? new Kernel.Processes.WaitStatus(exit) : null);
            }
        }
        finally
        {
            stopping.Dispose();
        }

        throw Died();
    }

    /// <summary>Begins a watch that goes on without this command.</summary>
    /// <returns>The watch, after its first attempt.</returns>
    /// <exception cref="SnapException">The target can't be captured, for a reason that won't pass.</exception>
    public TrackedTarget WatchDetached(int pid, WatchOptions options)
    {
        using HttpExchange exchange = Ask("POST", "/v1/watches", Request(pid, options, detach: true), ApiJson.Default.WatchRequest);
        return Read(exchange, ApiJson.Default.TrackedTarget);
    }

    /// <summary>Ends the watches of a process.</summary>
    /// <returns>Them.</returns>
    /// <exception cref="SnapException">S0713: there is none.</exception>
    public IReadOnlyList<TrackedTarget> Unwatch(int pid)
    {
        using HttpExchange exchange = Ask("DELETE", string.Create(CultureInfo.InvariantCulture, $"/v1/targets/{pid}/watches"), null);
        return Read(exchange, ApiJson.Default.Targets);
    }

    /// <summary>What it says of itself.</summary>
    public EngineStatus Status()
    {
        using HttpExchange exchange = Ask("GET", "/v1/engine", null);
        return Read(exchange, ApiJson.Default.EngineStatus);
    }

    /// <summary>What it tracks.</summary>
    public IReadOnlyList<TrackedTarget> Targets()
    {
        using HttpExchange exchange = Ask("GET", "/v1/targets", null);
        return Read(exchange, ApiJson.Default.Targets);
    }

    /// <summary>Asks it to end, and waits until it has.</summary>
    /// <param name="ifIdle">Only if nothing is watched and nothing asked of it.</param>
    /// <returns>Its pid, and the watches that ended with it; null if none was running.</returns>
    /// <exception cref="SnapException">S0712: it has work.</exception>
    public (int Pid, int Watches)? Stop(bool ifIdle) => Stop(new StopRequest { IfIdle = ifIdle });

    private (int Pid, int Watches)? Stop(StopRequest request)
    {
        if (SocketPlace.TryConnect(_store) is not { } socket)
            return null;
        int pid = UnixSocket.Peer(socket.Number).Pid;
        using Kernel.Processes.ProcessHandle? process = pid > 0 ? Kernel.Processes.ProcessHandle.OpenOrGone(pid) : null;
        using HttpExchange exchange = HttpExchange.Send(socket, "POST", "/v1/stop", JsonSerializer.SerializeToUtf8Bytes(request, ApiJson.Default.StopRequest));
        if (!exchange.TryReadHead() || exchange.Status == Protocol.StoppingStatus)
        {
            process?.WaitForExit(PatienceMs);
            return null;
        }

        StopAnswer answer = Read(exchange, ApiJson.Default.StopAnswer);
        process?.WaitForExit(PatienceMs);
        return (answer.Pid, answer.Watches);
    }

    /// <inheritdoc/>
    public GarbageReport Collect(CollectOptions options)
    {
        var request = new CollectRequest
        {
            Policy = options.Policy.IsEmpty ? null : options.Policy.ToString(), Name = options.Name, MaxBytes = options.MaxBytes,
            MayDeleteAll = options.MayDeleteAll, DryRun = options.DryRun, Save = options.Save,
        };
        using HttpExchange exchange = Ask("POST", "/v1/gc", request, ApiJson.Default.CollectRequest);
        while (exchange.ReadBodyLine() is { } line)
        {
            CollectEvent said = JsonSerializer.Deserialize(line, ApiJson.Default.CollectEvent) ?? throw Broken();
            if (said.Progress is { } progress)
                options.Progress(progress);
            if (said.Error is { } error)
                throw error.ToException();
            if (said.Report is { } report)
                return report.ToReport();
        }

        throw Died();
    }

    /// <inheritdoc/>
    public IReadOnlyList<SnapshotInfo> Remove(IReadOnlyList<string> references, bool dryRun)
    {
        var request = new RemoveRequest { References = Resolve(references), DryRun = dryRun };
        using HttpExchange exchange = Ask("POST", "/v1/remove", request, ApiJson.Default.RemoveRequest);
        return [.. Read(exchange, ApiJson.Default.RemoveAnswer).Snapshots.Select(snapshot => snapshot.ToInfo())];
    }

    /// <inheritdoc/>
    public SnapshotInfo Tag(string reference, string tag)
    {
        using HttpExchange exchange = Ask("POST", "/v1/tags", new TagRequest { Reference = Resolve([reference])[0], Tag = tag }, ApiJson.Default.TagRequest);
        return Read(exchange, ApiJson.Default.SnapshotBody).ToInfo();
    }

    /// <inheritdoc/>
    public void Untag(string tag)
    {
        using HttpExchange exchange = Ask("DELETE", "/v1/tags/" + Uri.EscapeDataString(tag), null);
        Check(exchange, exchange.ReadBody());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Connections are made for one request each.
    }

    /// <summary>True if one listens.</summary>
    internal bool IsRunning()
    {
        using FileDescriptor? socket = SocketPlace.TryConnect(_store);
        return socket is not null;
    }

    private static WatchRequest Request(int pid, WatchOptions options, bool detach) => new()
    {
        Pid = pid, EveryMilliseconds = options.Every.TotalMilliseconds, Count = options.Count, ForMilliseconds = options.For?.TotalMilliseconds, Name = options.Name,
        Durability = options.Durability, Exclude = options.Exclude, Keep = options.Keep?.ToString(), Retry = options.RetryFromTheStart, Detach = detach,
        MaxPauseMilliseconds = options.MaxPause?.TotalMilliseconds,
        OnExit = options.OnExit is { } rescue ? new RescueRequest { Files = rescue.Files, Limit = rescue.Limit } : null, OnGap = options.OnGap,
    };

    /// <summary>Moments without a zone mean the command's zone, which the engine's need not be.</summary>
    private string[] Resolve(IReadOnlyList<string> references)
    {
        using StoreReader reader = StoreReader.Open(_store);
        DateTimeOffset now = DateTimeOffset.Now;
        return [.. references.Select(reference => reader.Resolve(reference, now).Id.ToString())];
    }

    private HttpExchange Ask<T>(string method, string path, T body, JsonTypeInfo<T> type) => Ask(method, path, JsonSerializer.SerializeToUtf8Bytes(body, type));

    /// <summary>Asks, of an engine that is started if there is none.</summary>
    /// <returns>The exchange, its head read.</returns>
    private HttpExchange Ask(string method, string path, byte[]? body)
    {
        for (long end = Environment.TickCount64 + PatienceMs; ;)
        {
            bool isLate = Environment.TickCount64 >= end;
            if (SocketPlace.TryConnect(_store) is not { } socket)
            {
                Start(isLate);
                continue;
            }

            var exchange = HttpExchange.Send(socket, method, path, body);
            bool hasAnswer = exchange.TryReadHead();
            if (hasAnswer && exchange.Status == Protocol.OtherVersionStatus && !isLate)
            {
                exchange.Dispose();
                ReplaceOther();
                continue;
            }

            if (hasAnswer && exchange.Status != Protocol.StoppingStatus)
                return exchange;
            bool wasTakenUp = exchange.WasTakenUp && !hasAnswer;
            exchange.Dispose();
            if (wasTakenUp || isLate)
                throw Died();
            // It is about to end, and will be followed by another.
            Thread.Sleep(RetryMs);
        }
    }

    private void Start(bool isLate)
    {
        if (_mustExist)
            StoreReader.Open(_store).Dispose();
        if (EngineStarter.TryStart(_store) is not { } failure)
            return;
        // Another command was quicker, or the one before is just ending: either way an engine has the lock, and soon a socket or an end.
        if (failure.Kind != ErrorCatalogue.StoreBusy || isLate || !failure.What.EndsWith($"({Protocol.HolderName})", StringComparison.Ordinal))
            throw failure;
        Thread.Sleep(RetryMs);
    }

    /// <summary>An engine of another version ends if no command is using it; then one of ours takes its place, and goes on with its tracers if they speak the same protocol.</summary>
    private void ReplaceOther()
    {
        try
        {
            Stop(new StopRequest { IfIdle = true, HandOver = true });
        }
        catch (SnapException busy) when (busy.Kind == ErrorCatalogue.EngineBusy)
        {
            throw new SnapException(ErrorCatalogue.EngineVersion, "the store's engine is another version of Snap, and is at work", _store, busy.Why,
                $"let its watches end, or stop it with `snap engine stop`; this is Snap {Protocol.Product}");
        }
    }

    private T Read<T>(HttpExchange exchange, JsonTypeInfo<T> type)
    {
        byte[]? body = exchange.ReadBody();
        Check(exchange, body);
        return JsonSerializer.Deserialize(body, type) ?? throw Broken();
    }

    private void Check(HttpExchange exchange, byte[]? body)
    {
        if (body is null)
            throw Died();
        if (exchange.Status >= 400)
            throw (JsonSerializer.Deserialize(body, ApiJson.Default.ErrorAnswer) ?? throw Broken()).Error.ToException();
    }

    private void TryUnwatch(long watch)
    {
        if (SocketPlace.TryConnect(_store) is not { } socket)
            return;
        using var exchange = HttpExchange.Send(socket, "DELETE", string.Create(CultureInfo.InvariantCulture, $"/v1/watches/{watch}"), []);
        exchange.TryReadHead();
    }

    private SnapException Died() => new(ErrorCatalogue.EngineDied, "the store's engine ended before it was done", _store, "it was killed, or crashed",
        $"the target is unharmed, and what was reported before is stored; {Path.Combine(_store, Protocol.LogName)} may say more; try again");

    private static SnapException Broken() => new(ErrorCatalogue.Internal, "the store's engine gave an answer that says nothing");
}

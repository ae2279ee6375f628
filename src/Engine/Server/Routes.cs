using System.Globalization;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Snap.Dumper.Host;
using Snap.Engine.Api;
using Snap.Image;
using Snap.Kernel.Procfs;
using Snap.Store;

namespace Snap.Engine.Server;

/// <summary>What can be asked of an engine; docs/api.md describes the same.</summary>
/// <param name="engine">The store's owner.</param>
/// <param name="local">Does what is asked.</param>
/// <param name="watches">Watches under way.</param>
/// <param name="life">The engine's.</param>
/// <param name="counters">For /metrics.</param>
/// <param name="log">The engine's.</param>
internal sealed class Routes(SnapEngine engine, IEngine local, Watches watches, EngineLife life, Counters counters, EngineLog log)
{
    /// <summary>Events of a watch that wait for its command to read them; then the watch waits, and misses ticks.</summary>
    private const int EventsKept = 256;

    private readonly DateTimeOffset _since = DateTimeOffset.UtcNow;

    /// <summary>Adds them all.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/engine", (RequestDelegate)(context => EngineServer.WriteAsync(context, Status(), ApiJson.Default.EngineStatus)));
        routes.MapPost("/v1/stop", (RequestDelegate)Stop);
        routes.MapGet("/v1/targets", (RequestDelegate)(context => EngineServer.WriteAsync(context, Targets(), ApiJson.Default.Targets)));
        routes.MapDelete("/v1/targets/{pid:int}/watches", (RequestDelegate)Unwatch);
        routes.MapPost("/v1/take", (RequestDelegate)Take);
        routes.MapPost("/v1/watches", (RequestDelegate)Watch);
        routes.MapDelete("/v1/watches/{number:long}", (RequestDelegate)EndWatch);
        routes.MapPost("/v1/gc", (RequestDelegate)Collect);
        routes.MapPost("/v1/remove", (RequestDelegate)Remove);
        routes.MapPost("/v1/tags", (RequestDelegate)Tag);
        routes.MapDelete("/v1/tags/{tag}", (RequestDelegate)Untag);
        routes.MapGet("/metrics", (RequestDelegate)Metrics);
    }

    /// <summary>What waits for a target or a disk gets a thread of its own: those of the pool are few, and answer everybody.</summary>
    private static Task<T> OnThread<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private EngineStatus Status() => new()
    {
        Pid = Environment.ProcessId,
        Version = Protocol.Product,
        Api = Protocol.Version,
        Store = engine.StoreDirectory,
        Since = _since,
        Tracked = engine.Sessions.Count,
        Watches = watches.Active.Count,
        Snapshots = counters.Snapshots,
        LingerSeconds = life.Linger.TotalSeconds,
        EndsAt = engine.Sessions.Count + watches.Active.Count > 0 ? null : DateTimeOffset.UtcNow + life.Linger,
        Log = Path.Combine(engine.StoreDirectory, Protocol.LogName),
    };

    private IReadOnlyList<TrackedTarget> Targets()
    {
        IReadOnlyList<TargetSession> sessions = engine.Sessions;
        IReadOnlyList<EngineWatch> active = watches.Active;
        return
        [
            .. active.Select(watch => watch.Describe(sessions.FirstOrDefault(session => session.Pid == watch.Request.Pid))),
            .. sessions.Where(session => active.All(watch => watch.Request.Pid != session.Pid)).Select(Describe),
            .. watches.Ended.Where(watch => watch.Request.Detach).Select(watch => watch.Describe(null)),
        ];
    }

    private static TrackedTarget Describe(TargetSession session) => new()
    {
        Pid = session.Pid,
        Name = session.Name,
        Command = TaskFiles.OfProcess(session.Pid).ReadCommandText(),
        Watch = null,
        Detached = false,
        EveryMilliseconds = null,
        Since = session.Since,
        Tracker = session.TracerPid > 0 ? session.Tracker : null,
        TracerPid = session.TracerPid,
        Snapshots = 0,
        Missed = 0,
        Last = session.Last?.Id,
        LastTime = session.Last?.Time,
        LastPauseMicroseconds = session.Last is { } last ? SnapshotFacts.Of(last).PauseMicroseconds : null,
        NotCapturedSince = null,
        Reason = null,
        EndedAt = null,
        End = null,
    };

    private async Task Stop(HttpContext context)
    {
        StopRequest request = await EngineServer.ReadAsync(context, ApiJson.Default.StopRequest);
        int count = watches.Active.Count;
        if (request.HandOver)
        {
            // One that isn't detached is a request at work.
            if (!life.TryEnd(EngineLife.HandOver, () => watches.Active.Any(watch => !watch.Request.Detach)))
                throw HasWork(watches.Active.Count(watch => !watch.Request.Detach));
        }
        else if (!request.IfIdle)
        {
            life.End("asked to");
        }
        else if (!life.TryEnd("asked to make way", () => watches.Active.Count > 0))
        {
            throw HasWork(count);
        }

        await EngineServer.WriteAsync(context, new StopAnswer(Environment.ProcessId, request.HandOver ? 0 : count), ApiJson.Default.StopAnswer);
    }

    private static SnapException HasWork(int watches) => new(ErrorCatalogue.EngineBusy, "the store's engine has work", $"pid {Environment.ProcessId}",
        watches > 0 ? string.Create(CultureInfo.InvariantCulture, $"{watches} watches are under way") : "another command uses it", "wait for it, or `snap engine stop`");

    private async Task Take(HttpContext context)
    {
        TakeRequest request = await EngineServer.ReadAsync(context, ApiJson.Default.TakeRequest);
        CheckPatterns(request.Exclude);
        SnapshotInfo taken = await OnThread(() => counters.Count(() => local.Take(new TakeOptions
        {
            Pid = request.Pid, Name = request.Name, Durability = request.Durability, Exclude = request.Exclude ?? [], MaxPause = request.MaxPauseMilliseconds is { } limit ? TimeSpan.FromMilliseconds(limit) : null,
        })));
        await EngineServer.WriteAsync(context, SnapshotBody.Of(taken), ApiJson.Default.SnapshotBody);
    }

    private static void CheckPatterns(IReadOnlyList<string>? exclude)
    {
        foreach (string text in exclude ?? [])
        {
            if (!Dumper.MemoryPattern.TryParse(text, out _))
                throw new SnapException(ErrorCatalogue.RequestWrong, $"'{text}' names no memory", why: "exclude takes a name, or START-END in hex, at bounds of pages", toDo: "docs/api.md describes it");
        }
    }

    private async Task Watch(HttpContext context)
    {
        WatchRequest request = await EngineServer.ReadAsync(context, ApiJson.Default.WatchRequest);
        if (!(request.EveryMilliseconds > 0))
            throw new SnapException(ErrorCatalogue.RequestWrong, "a watch needs a time from one snapshot to the next", why: "everyMilliseconds must be above 0", toDo: "docs/api.md describes it");
        if (request.Keep is { } rules)
            RetentionPolicy.Parse(rules);
        CheckPatterns(request.Exclude);
        if (request.Detach)
        {
            EngineWatch detached = watches.Begin(request, counters.Count);
            await detached.Tried;
            // One that ended at once, because its target can't be captured, has failed.
            if (detached.Result.IsFaulted)
                await detached.Result;
            await EngineServer.WriteAsync(context, detached.Describe(engine.Sessions.FirstOrDefault(session => session.Pid == request.Pid)), ApiJson.Default.TrackedTarget);
            return;
        }

        await Follow(context, request);
    }

    /// <summary>A watch that ends with its command.</summary>
    private async Task Follow(HttpContext context, WatchRequest request)
    {
        var events = Channel.CreateBounded<WatchEvent>(EventsKept);
        // Its own, and not the request's, which is gone with it: the watch's thread may still be telling something then.
        var gone = new CancellationTokenSource();
        EngineWatch watch = watches.Begin(request, said =>
        {
            counters.Count(said);
            try
            {
                if (!events.Writer.TryWrite(said))
                    events.Writer.WriteAsync(said, gone.Token).AsTask().GetAwaiter().GetResult();
            }
            catch (Exception over) when (over is OperationCanceledException or ChannelClosedException)
            {
                // The command has ended, and the watch is about to; or the watch has, and a command of --on-gap fails after it.
            }

            if (said.End is not null || said.Error is not null)
                events.Writer.TryComplete();
        });
        try
        {
            await foreach (WatchEvent said in events.Reader.ReadAllAsync(context.RequestAborted))
                await EngineServer.WriteLineAsync(context, said, ApiJson.Default.WatchEvent);
        }
        finally
        {
            // However it came to an end; a watch that has ended already hears nothing of this.
            await gone.CancelAsync();
            watch.Stop();
            await watch.Over;
        }
    }

    private async Task EndWatch(HttpContext context)
    {
        long number = long.Parse((string)context.Request.RouteValues["number"]!, CultureInfo.InvariantCulture);
        EngineWatch watch = watches.Active.FirstOrDefault(watch => watch.Number == number)
            ?? throw new SnapException(ErrorCatalogue.NotWatched, string.Create(CultureInfo.InvariantCulture, $"there is no watch {number}"), toDo: "`snap ps` lists those there are");
        watch.Stop();
        await EngineServer.WriteAsync(context, watch.Describe(null), ApiJson.Default.TrackedTarget);
    }

    private async Task Unwatch(HttpContext context)
    {
        int pid = int.Parse((string)context.Request.RouteValues["pid"]!, CultureInfo.InvariantCulture);
        EngineWatch[] chosen = [.. watches.Active.Where(watch => watch.Request.Pid == pid)];
        if (chosen.Length == 0)
            throw new SnapException(ErrorCatalogue.NotWatched, string.Create(CultureInfo.InvariantCulture, $"process {pid} isn't being watched"), toDo: "`snap ps` lists what is");
        foreach (EngineWatch watch in chosen)
            watch.Stop();
        await Task.WhenAll(chosen.Select(watch => watch.Over));
        await EngineServer.WriteAsync(context, [.. chosen.Select(watch => watch.Describe(null))], ApiJson.Default.Targets);
    }

    private async Task Collect(HttpContext context)
    {
        CollectRequest request = await EngineServer.ReadAsync(context, ApiJson.Default.CollectRequest);
        var options = new CollectOptions
        {
            Policy = request.Policy is { } rules ? RetentionPolicy.Parse(rules) : new RetentionPolicy(), Name = request.Name, MaxBytes = request.MaxBytes,
            MayDeleteAll = request.MayDeleteAll, DryRun = request.DryRun, Save = request.Save,
        };
        var events = Channel.CreateUnbounded<CollectEvent>();
        Task work = OnThread(() =>
        {
            CollectEvent last;
            try
            {
                last = new CollectEvent { Report = CollectReport.Of(local.Collect(options with { Progress = text => events.Writer.TryWrite(new CollectEvent { Progress = text }) })) };
            }
            catch (SnapException failed)
            {
                last = new CollectEvent { Error = ErrorMessage.Of(failed) };
            }

            events.Writer.TryWrite(last);
            events.Writer.TryComplete();
            return last;
        });
        await foreach (CollectEvent said in events.Reader.ReadAllAsync(context.RequestAborted))
            await EngineServer.WriteLineAsync(context, said, ApiJson.Default.CollectEvent);
        await work;
    }

    private async Task Remove(HttpContext context)
    {
        RemoveRequest request = await EngineServer.ReadAsync(context, ApiJson.Default.RemoveRequest);
        IReadOnlyList<SnapshotInfo> removed = await OnThread(() => local.Remove(request.References, request.DryRun));
        if (!request.DryRun)
            log.Write($"deleted {string.Join(", ", removed)}");
        await EngineServer.WriteAsync(context, new RemoveAnswer([.. removed.Select(SnapshotBody.Of)]), ApiJson.Default.RemoveAnswer);
    }

    private async Task Tag(HttpContext context)
    {
        TagRequest request = await EngineServer.ReadAsync(context, ApiJson.Default.TagRequest);
        SnapshotInfo tagged = await OnThread(() => local.Tag(request.Reference, request.Tag));
        await EngineServer.WriteAsync(context, SnapshotBody.Of(tagged), ApiJson.Default.SnapshotBody);
    }

    private async Task Untag(HttpContext context)
    {
        string tag = (string)context.Request.RouteValues["tag"]!;
        await OnThread(() =>
        {
            local.Untag(tag);
            return true;
        });
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private Task Metrics(HttpContext context)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return context.Response.WriteAsync(counters.Render(Targets(), watches.Active));
    }
}

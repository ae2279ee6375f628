using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Snap.Dumper.Host;
using Snap.Engine.Api;
using Snap.Image;
using Snap.Kernel.Files;

namespace Snap.Engine.Server;

/// <summary>Answers requests over the engine's socket: docs/api.md.</summary>
internal sealed class EngineServer : IAsyncDisposable
{
    private const string RefusalItem = "refusal";
    private static readonly byte[] _newline = "\n"u8.ToArray();

    private readonly EngineLife _life;
    private readonly EngineLog _log;
    private readonly WebApplication _application;

    private EngineServer(EngineLife life, EngineLog log, WebApplication application) => (_life, _log, _application) = (life, log, application);

    /// <summary>Begins to answer.</summary>
    /// <param name="listening">A listening socket, which is taken over.</param>
    /// <param name="life">Is told of every request.</param>
    /// <param name="log">For failures that nobody expects.</param>
    /// <param name="routes">Who answers.</param>
    public static async Task<EngineServer> StartAsync(FileDescriptor listening, EngineLife life, EngineLog log, Routes routes)
    {
        // Nothing but what is used: no configuration files, no log of the framework's, no signal handlers.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 1 << 20;
            // A watch that is stopped (Ctrl-Z) reads nothing; that is no reason to end it.
            kestrel.Limits.MinResponseDataRate = null;
            int number = (int)listening.DangerousGetHandle();
            listening.SetHandleAsInvalid();
            kestrel.ListenHandle((ulong)number, listen => listen.Use(next => connection =>
            {
                if (connection.Features.Get<IConnectionSocketFeature>() is { } feature && PeerCheck.Refuse((int)feature.Socket.Handle) is { } refusal)
                    connection.Items[RefusalItem] = refusal;
                return next(connection);
            }));
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        WebApplication application = builder.Build();
        var server = new EngineServer(life, log, application);
        application.Use(server.Guard);
        routes.Map(application);
        await application.StartAsync();
        return server;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await _application.StopAsync(patience.Token);
        await _application.DisposeAsync();
    }

    /// <summary>Reads the body of a request.</summary>
    /// <exception cref="SnapException">S0714: it isn't what is expected.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted) ?? throw new JsonException("null");
        }
        catch (JsonException wrong)
        {
            throw new SnapException(ErrorCatalogue.RequestWrong, "the request's body can't be read", context.Request.Path.Value, wrong.Message, "docs/api.md describes it", wrong);
        }
    }

    /// <summary>Writes the whole answer.</summary>
    public static Task WriteAsync<T>(HttpContext context, T body, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        byte[] bytes = [.. JsonSerializer.SerializeToUtf8Bytes(body, type), .. _newline];
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, 0, bytes.Length);
    }

    /// <summary>Writes a line of an answer that has several, and sends it.</summary>
    public static async Task WriteLineAsync<T>(HttpContext context, T line, JsonTypeInfo<T> type)
    {
        if (!context.Response.HasStarted)
            context.Response.ContentType = "application/x-ndjson";
        byte[] bytes = [.. JsonSerializer.SerializeToUtf8Bytes(line, type), .. _newline];
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private RequestDelegate Guard(RequestDelegate next) => async context =>
    {
        if (context.Features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(RefusalItem, out object? refusal) == true)
        {
            await WriteErrorAsync(context, new SnapException(ErrorCatalogue.EngineForeign, "the engine refuses the request", why: (string?)refusal, toDo: "use the store as its owner, outside of containers"));
            return;
        }

        // What another version may ask: who is there, and to make way.
        bool isForAll = context.Request.Path.Value is "/v1/engine" or "/v1/stop";
        if (!isForAll && context.Request.Headers[Protocol.ClientHeader] is [{ } client] && client != Protocol.Client)
        {
            await WriteErrorAsync(context, new SnapException(ErrorCatalogue.EngineVersion, "the store's engine is another version of Snap",
                why: $"it is {Protocol.Client}, the command {client}", toDo: "`snap engine stop` ends it"), Protocol.OtherVersionStatus);
            return;
        }

        if (!_life.TryEnter())
        {
            await WriteErrorAsync(context, new SnapException(ErrorCatalogue.EngineBusy, "the engine is about to end", toDo: "ask again"), Protocol.StoppingStatus);
            return;
        }

        try
        {
            await next(context);
            if (context.Response is { HasStarted: false, StatusCode: StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed })
            {
                await WriteErrorAsync(context, new SnapException(ErrorCatalogue.RequestWrong, $"the engine has no {context.Request.Method} {context.Request.Path}", toDo: "docs/api.md lists what there is"),
                    context.Response.StatusCode);
            }
        }
        catch (SnapException failed)
        {
            await WriteErrorAsync(context, failed);
        }
        catch (BadHttpRequestException wrong)
        {
            await WriteErrorAsync(context, new SnapException(ErrorCatalogue.RequestWrong, "the request can't be read", why: wrong.Message, toDo: "docs/api.md describes it", inner: wrong));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody reads the answer any more.
        }
#pragma warning disable CA1031 // The top of a request: whoever asked is told, and the others' go on.
        catch (Exception unexpected)
        {
            _log.Write($"{context.Request.Method} {context.Request.Path}: {unexpected}");
            await WriteErrorAsync(context, new SnapException(ErrorCatalogue.Internal, "the engine met a failure that it did not expect", why: unexpected.ToString(), toDo: "please report it, with these lines", inner: unexpected));
        }
#pragma warning restore CA1031
        finally
        {
            _life.Leave();
        }
    };

    private static Task WriteErrorAsync(HttpContext context, SnapException error, int? status = null) =>
        context.Response.HasStarted || context.RequestAborted.IsCancellationRequested ? Task.CompletedTask
            : WriteAsync(context, new ErrorAnswer(ErrorMessage.Of(error)), ApiJson.Default.ErrorAnswer, status ?? StatusOf(error.Kind.ExitCode));

    private static int StatusOf(ExitCode code) => code switch
    {
        ExitCode.Usage => StatusCodes.Status400BadRequest,
        ExitCode.NotPermitted => StatusCodes.Status403Forbidden,
        ExitCode.NotFound => StatusCodes.Status404NotFound,
        ExitCode.Busy => StatusCodes.Status409Conflict,
        ExitCode.Unsupported => StatusCodes.Status422UnprocessableEntity,
        ExitCode.TargetLost => StatusCodes.Status410Gone,
        ExitCode.Storage => StatusCodes.Status507InsufficientStorage,
        _ => StatusCodes.Status500InternalServerError,
    };

    /// <summary>The engine ends by its own rules: the framework shall not listen to signals.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

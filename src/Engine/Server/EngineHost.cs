using System.Text.Json;
using Snap.Dumper.Host;
using Snap.Engine.Api;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Store;

namespace Snap.Engine.Server;

/// <summary>An engine as a process: <c>snap engine run</c>.</summary>
/// <remarks>
/// 1. The store's lock is taken: who has it is the engine, and of two that start at once one finds it taken. 2. The socket is made, and the requests that wait in it
/// are answered from then on. 3. Whoever started the engine is told. At the end the socket goes first, so that later commands wait for the lock and start another.
/// </remarks>
public static class EngineHost
{
    private static readonly TimeSpan _defaultLinger = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan _defaultPatience = TimeSpan.FromMinutes(5);

    /// <summary>Runs until there is nothing left to do, or it is told to end.</summary>
    /// <param name="store">The store's directory; it is made if it is missing.</param>
    /// <param name="word">Descriptor on which a command waits for a <see cref="StartWord"/>; null: started by hand, or by a service manager.</param>
    /// <param name="stop">Ends it in good order.</param>
    /// <exception cref="SnapException">It could not start, and nobody waits for the word of it.</exception>
    public static void Run(string store, int? word, CancellationToken stop)
    {
        using FileDescriptor? starter = word is { } number ? new FileDescriptor(number) : null;
        starter?.TryControl(Fcntl.F_SETFD, Fcntl.FD_CLOEXEC);
        OwnProcess.SetThreadName("snap-engine");
        try
        {
            RunAsync(store, starter, stop).GetAwaiter().GetResult();
        }
        catch (SnapException failed) when (starter is { IsClosed: false })
        {
            Tell(starter, failed);
        }
    }

    private static async Task RunAsync(string store, FileDescriptor? starter, CancellationToken stop)
    {
        TimeSpan linger = Duration(Protocol.LingerVariable, _defaultLinger);
        using SnapEngine engine = SnapEngine.Open(store, new EngineOptions
        {
            Store = new StoreOptions { HolderName = Protocol.HolderName }, TracerPatience = Duration(Protocol.PatienceVariable, _defaultPatience),
        });
        Environment.CurrentDirectory = "/";
        using var log = new EngineLog(Path.Combine(engine.StoreDirectory, Protocol.LogName), takesStandardError: starter is not null);
        await ServeAsync(engine, linger, log, () =>
        {
            if (starter is not null)
                Tell(starter, null);
        }, stop);
        log.Write("ended");
    }

    /// <summary>Serves a store until there is nothing left to do.</summary>
    /// <param name="engine">The store's owner.</param>
    /// <param name="linger">Time from the last work to the end.</param>
    /// <param name="log">The engine's.</param>
    /// <param name="onReady">Called when requests are answered.</param>
    /// <param name="stop">Ends it in good order.</param>
    /// <param name="takesSockets">Whether a directory takes a socket; replaced by tests.</param>
    internal static async Task ServeAsync(SnapEngine engine, TimeSpan linger, EngineLog log, Action onReady, CancellationToken stop, Func<string, bool>? takesSockets = null)
    {
        using var local = new LocalEngine(engine, owns: false) { KeepsTracers = linger > TimeSpan.Zero };
        var watches = new Watches(local, log, new WatchRecords(engine.StoreDirectory));
        engine.Tell = log.Write;
        using var life = new EngineLife(linger, () => engine.Sessions.Count + watches.Active.Count, () =>
        {
            engine.ReleaseIdle(linger);
            return Directory.Exists(engine.StoreDirectory) ? null : "the store was removed";
        });
        FileDescriptor listening = SocketPlace.Listen(engine.StoreDirectory, takesSockets);
        try
        {
            var counters = new Counters();
            // Before anybody is answered: who asks for a process finds its tracer, and what is being watched is.
            engine.AdoptTracers();
            watches.Resume(counters.Count);
            await using EngineServer server = await EngineServer.StartAsync(listening, life, log, new Routes(engine, local, watches, life, counters, log));
            log.Write($"engine of Snap {Protocol.Product} started; it ends {Durations.Format(linger)} after its last work");
            onReady();
            using CancellationTokenRegistration signals = stop.Register(() => life.End(EngineLife.Signal));
            string reason = await life.Ending;
            log.Write($"ending: {reason}");
            // Later commands find no socket, wait for the lock, and start the next engine.
            SocketPlace.Remove(engine.StoreDirectory);
            engine.LeavesTracers = reason == EngineLife.HandOver;
            watches.EndAll(areLeft: reason is EngineLife.HandOver or EngineLife.Signal);
        }
        finally
        {
            SocketPlace.Remove(engine.StoreDirectory);
        }
    }

    private static TimeSpan Duration(string variable, TimeSpan usual)
    {
        if (Environment.GetEnvironmentVariable(variable) is not { Length: > 0 } text)
            return usual;
        return Durations.TryParse(text, out TimeSpan wanted) ? wanted
            : throw new SnapException(ErrorCatalogue.UsageWrong, $"{variable} is a duration such as 10m, not '{text}'", toDo: $"unset {variable}");
    }

    private static void Tell(FileDescriptor starter, SnapException? failure)
    {
        try
        {
            starter.WriteAll(JsonSerializer.SerializeToUtf8Bytes(
                new StartWord(Environment.ProcessId, failure is null ? null : ErrorMessage.Of(failure)), ApiJson.Default.StartWord));
        }
        catch (KernelException gone) when (gone.Errno == Errno.EPIPE)
        {
            // The command has ended; others will come.
        }

        starter.Dispose();
    }
}

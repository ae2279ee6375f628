using System.CommandLine;
using Snap.Cli.Output;
using Snap.Engine.Api;
using Snap.Engine.Client;
using Snap.Engine.Server;
using Snap.Image;

namespace Snap.Cli.Commands;

/// <summary><c>snap engine status|stop|run</c>: the process that owns a store for writing.</summary>
internal static class EngineCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common) =>
        new("engine", "The process that writes to the store, started when one is needed: what it does, and its end") { Status(common), Stop(common), Run(common) };

    private static Command Status(CommonOptions common)
    {
        var command = new Command("status", "Say whether an engine is running for the store, and what it does");
        command.SetAction(parsed =>
        {
            EngineStatus? status = EngineAccess.FindRunning(common.StoreDirectory(parsed))?.Status();
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text(new EngineJson { Running = status is not null, Engine = status }, CliJson.Readable.EngineJson));
            else if (status is null)
                common.Terminal.Out.WriteLine("no engine is running; the next command that writes starts one");
            else
                Show(common.Terminal, status);
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static Command Stop(CommonOptions common)
    {
        var ifIdle = new Option<bool>("--if-idle") { Description = "Only if nothing is being watched; else fail" };
        var command = new Command("stop", "End the engine in good order; watches end with it, their programs run on") { ifIdle };
        command.SetAction(parsed =>
        {
            string store = common.StoreDirectory(parsed);
            (int Pid, int Watches)? stopped = EngineAccess.FindRunning(store)?.Stop(parsed.GetValue(ifIdle));
            (int Tracers, int Watches) left = stopped is null && !parsed.GetValue(ifIdle) ? EngineAccess.LetGoWhatIsLeft(store) : default;
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text(new EngineStopJson { Pid = stopped?.Pid, Watches = stopped?.Watches ?? left.Watches }, CliJson.Readable.EngineStopJson));
            else if (left != default)
                common.Terminal.Out.WriteLine($"no engine was running; let go what one had left: {left.Tracers} tracers, {left.Watches} watches");
            else
                common.Terminal.Out.WriteLine(stopped is not { } one ? "no engine was running" : $"stopped engine {one.Pid}{(one.Watches > 0 ? $", and {one.Watches} watches" : "")}");
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static Command Run(CommonOptions common)
    {
        var word = new Option<int?>("--word") { Description = "Descriptor to say on that it is ready", Hidden = true };
        var command = new Command("run", "Be the engine, in the foreground, until nothing is left to do or SIGTERM; for service managers") { word };
        command.SetAction(parsed =>
        {
            using var stop = new StopSignals();
            EngineHost.Run(common.StoreDirectory(parsed), parsed.GetValue(word), stop.Token);
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static void Show(Terminal terminal, EngineStatus status)
    {
        DateTimeOffset now = DateTimeOffset.Now;
        terminal.Out.WriteLine($"engine {status.Pid}, Snap {status.Version}, since {Sizes.Moment(status.Since, now)}, writes to {status.Store}");
        terminal.Out.WriteLine($"{status.Tracked} processes tracked, {status.Watches} watches, {status.Snapshots} snapshots stored; log: {status.Log}");
        terminal.Out.WriteLine(status.EndsAt is { } end ? $"nothing to do; it ends in {Sizes.Ago(end - now)}"
            : $"it ends {Sizes.Ago(TimeSpan.FromSeconds(status.LingerSeconds))} after its last work");
    }
}

using System.CommandLine;
using Snap.Cli.Output;
using Snap.Engine;
using Snap.Engine.Api;
using Snap.Engine.Client;
using Snap.Image;
using Snap.Store;

namespace Snap.Cli.Commands;

/// <summary><c>snap watch TARGET --every D</c>: a snapshot at every tick.</summary>
internal static class WatchCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        Argument<string> target = CommandOptions.Target();
        Option<string?> name = CommandOptions.Name();
        Option<TimeSpan?> every = CommandOptions.Duration("--every", "Time from one snapshot to the next (200ms, 1s, 5m)");
        every.Required = true;
        Option<int?> count = CommandOptions.Count("--count", "Stop after N snapshots");
        Option<TimeSpan?> limit = CommandOptions.Duration("--for", "Stop after this time");
        Option<TimeSpan?> maxPause = CommandOptions.MaxPause();
        var detach = new Option<bool>("--detach") { Description = "Leave the watch to the store's engine: it goes on without this command, until its end or `snap unwatch`" };
        var command = new Command("watch", "Take a snapshot of a running process again and again, until it ends or Ctrl-C") { target, every, count, limit, name, maxPause, detach };
        var rescue = new RescueOptionSet(command);
        var storing = new StoreOptionSet(command, withKeep: true);
        command.Validators.Add(result =>
        {
            if (result.GetResult(count) is not null && result.GetResult(limit) is not null)
                result.AddError("--count and --for can't be given together");
        });
        command.SetAction(parsed =>
        {
            RetentionPolicy? keep = storing.Policy(parsed);
            string directory = common.StoreDirectory(parsed);
            int pid = TargetName.Resolve(parsed.GetRequiredValue(target), directory);
            var options = new WatchOptions
            {
                Every = parsed.GetValue(every)!.Value,
                Count = parsed.GetValue(count),
                For = parsed.GetValue(limit),
                Name = parsed.GetValue(name),
                Durability = storing.Chosen(parsed),
                Exclude = storing.Excluded(parsed),
                MaxPause = parsed.GetValue(maxPause),
                Keep = keep,
                OnExit = rescue.OnExit(parsed),
                OnGap = rescue.OnGap(parsed),
            };
            using IEngine engine = EngineAccess.Open(directory);
            if (parsed.GetValue(detach))
                return Detach(engine, pid, options, common.Terminal, common.WantsJson(parsed));
            using var stop = new StopSignals();
            using IWatchReport report = common.WantsJson(parsed) ? new JsonWatchReport(common.Terminal) : new TextWatchReport(common.Terminal);
            WatchResult result = engine.Watch(pid, options with
            {
                OnKeepFailure = failure => ErrorReport.Tell(common.Terminal, failure),
                OnRescued = report.Rescued,
                OnGapFailure = failure => ErrorReport.Tell(common.Terminal, failure),
                OnSnapshot = report.Snapshot,
                OnStatus = report.Status,
            }, stop.Token);
            CheckEnd(result, parsed.GetValue(count));
            report.End(result);
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static int Detach(IEngine engine, int pid, WatchOptions options, Terminal terminal, bool json)
    {
        if (engine is not RemoteEngine remote)
            throw new SnapException(ErrorCatalogue.UsageWrong, "--detach needs the store's engine", why: $"{EngineAccess.Variable}=off keeps it inside the command", toDo: $"unset {EngineAccess.Variable}");
        TrackedTarget watch = remote.WatchDetached(pid, options);
        if (json)
        {
            terminal.Out.WriteLine(CliJson.Text(TargetJson.Of(watch), CliJson.Readable.TargetJson));
            return (int)ExitCode.Success;
        }

        terminal.Out.WriteLine($"watching {watch.Name ?? watch.Command} (pid {watch.Pid}); `snap ps` shows it, `snap unwatch {watch.Pid}` ends it");
        if (watch.Reason is { } reason)
            terminal.Error.WriteLine($"snap: not captured yet: {reason}; trying again");
        return (int)ExitCode.Success;
    }

    /// <summary>A watch that got nothing, or less than it was told to, has failed.</summary>
    private static void CheckEnd(WatchResult result, int? wanted)
    {
        WatchStatus status = result.Status;
        if (status.Snapshots == 0 && status.Reason is { } reason)
            throw reason;
        if (result.End == WatchEnd.TargetEnded && (status.Snapshots == 0 || status.Snapshots < wanted))
        {
            throw new SnapException(ErrorCatalogue.TargetEnded, $"the target ended after {status.Snapshots} snapshots", $"pid {status.Pid}",
                result.TargetExit?.ToString(), status.Snapshots > 0 ? $"`snap log {status.Name}` lists them" : null);
        }
    }
}

using System.CommandLine;
using Snap.Cli.Output;
using Snap.Engine;
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
        var command = new Command("watch", "Take a snapshot of a running process again and again, until it ends or Ctrl-C") { target, every, count, limit, name };
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
            using SnapEngine engine = SnapEngine.Open(directory, storing.Engine(parsed));
            using var stop = new StopSignals();
            using IWatchReport report = common.WantsJson(parsed) ? new JsonWatchReport(common.Terminal) : new TextWatchReport(common.Terminal);
            using var loop = new WatchLoop(engine, pid, new WatchOptions
            {
                Every = parsed.GetValue(every)!.Value,
                Count = parsed.GetValue(count),
                For = parsed.GetValue(limit),
                Name = parsed.GetValue(name),
                Keep = keep,
                OnKeepFailure = failure => common.Terminal.Error.WriteLine($"snap: {failure.Render()}"),
                OnSnapshot = report.Snapshot,
                OnStatus = report.Status,
            });
            WatchResult result = loop.Run(stop.Token);
            CheckEnd(result, parsed.GetValue(count));
            report.End(result);
            return (int)ExitCode.Success;
        });
        return command;
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

using System.CommandLine;
using System.Globalization;
using Snap.Cli.Output;
using Snap.Engine.Client;
using Snap.Image;
using Spectre.Console;

namespace Snap.Cli.Commands;

/// <summary><c>snap ps</c>: what the store's engine tracks.</summary>
internal static class PsCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        var command = new Command("ps", "List the processes that are watched, or kept tracked for the next take, and how that goes");
        command.SetAction(parsed =>
        {
            TargetJson[] targets = [.. (EngineAccess.FindRunning(common.StoreDirectory(parsed))?.Targets() ?? []).Select(TargetJson.Of)];
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text(targets, CliJson.Readable.TargetList));
            else
                Show(common.Terminal, targets);
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static void Show(Terminal terminal, TargetJson[] targets)
    {
        if (targets.Length == 0)
        {
            terminal.Error.WriteLine("nothing is tracked; `snap watch PID --every 1s --detach` begins");
            return;
        }

        DateTimeOffset now = DateTimeOffset.Now;
        Table table = Tables.New("pid>", "name", "state", "since", "every>", "snapshots>", "missed>", "last", "pause>", "tracker", "");
        foreach (TargetJson target in targets)
        {
            table.AddRow(target.Pid.ToString(CultureInfo.InvariantCulture), target.Name ?? "", target.State, Sizes.Moment(target.Since, now),
                target.EveryMilliseconds is { } every ? Sizes.Ago(TimeSpan.FromMilliseconds(every)) : "", target.Watch is null ? "" : target.Snapshots.ToString(CultureInfo.InvariantCulture),
                target.Watch is null ? "" : target.Missed.ToString(CultureInfo.InvariantCulture), target.Last is { } last ? $"{last[..8]} {Sizes.Moment(target.LastTime!.Value, now)}" : "",
                target.LastPauseMicroseconds is { } pause ? Sizes.Microseconds(pause) : "", target.Tracker is { } tracker ? $"{tracker} ({target.TracerPid})" : "", Markup.Escape(Remark(target, now)));
        }

        terminal.Write(table);
    }

    private static string Remark(TargetJson target, DateTimeOffset now) =>
        target is { EndedAt: { } end } ? $"ended {Sizes.Moment(end, now)}: {target.End}"
        : target is { NotCapturedSince: { } since } ? $"not captured since {Sizes.Moment(since, now)}: {target.Reason}" : "";
}

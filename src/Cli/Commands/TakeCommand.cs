using System.CommandLine;
using Snap.Cli.Output;
using Snap.Engine;
using Snap.Engine.Client;
using Snap.Image;
using Snap.Store;

namespace Snap.Cli.Commands;

/// <summary><c>snap take TARGET</c>: one snapshot now.</summary>
internal static class TakeCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        Argument<string> target = CommandOptions.Target();
        Option<string?> name = CommandOptions.Name();
        Option<TimeSpan?> maxPause = CommandOptions.MaxPause();
        var command = new Command("take", "Take one snapshot of a running process now") { target, name, maxPause };
        var storing = new StoreOptionSet(command, withKeep: false);
        command.SetAction(parsed =>
        {
            string directory = common.StoreDirectory(parsed);
            int pid = TargetName.Resolve(parsed.GetRequiredValue(target), directory);
            using IEngine engine = EngineAccess.Open(directory);
            SnapshotInfo taken = engine.Take(new TakeOptions
            {
                Pid = pid,
                Name = parsed.GetValue(name),
                Durability = storing.Chosen(parsed),
                Exclude = storing.Excluded(parsed),
                MaxPause = parsed.GetValue(maxPause),
            });
            var shown = SnapshotJson.Of(taken);
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text(shown, CliJson.Readable.SnapshotJson));
            else
                Show(common.Terminal, shown);
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static void Show(Terminal terminal, SnapshotJson taken)
    {
        terminal.Out.WriteLine($"{taken.Id[..8]}  {SnapshotLine.Of(taken)}");
        foreach (string notice in taken.Notices)
            terminal.Error.WriteLine($"note: {notice}");
    }
}

using System.CommandLine;
using Snap.Cli.Output;
using Snap.Engine.Client;
using Snap.Image;

namespace Snap.Cli.Commands;

/// <summary><c>snap unwatch TARGET</c>: ends watches.</summary>
internal static class UnwatchCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        Argument<string> target = CommandOptions.Target();
        var command = new Command("unwatch", "End the watches of a process; it runs on, and its snapshots stay") { target };
        command.SetAction(parsed =>
        {
            string directory = common.StoreDirectory(parsed);
            string wanted = parsed.GetRequiredValue(target);
            if (EngineAccess.FindRunning(directory) is not { } engine)
                throw new SnapException(ErrorCatalogue.NotWatched, $"'{wanted}' isn't being watched", why: "no engine is running for the store", toDo: "`snap ps` lists what is watched");
            TargetJson[] ended = [.. engine.Unwatch(TargetName.Resolve(wanted, directory)).Select(TargetJson.Of)];
            if (common.WantsJson(parsed))
            {
                common.Terminal.Out.WriteLine(CliJson.Text(ended, CliJson.Readable.TargetList));
                return (int)ExitCode.Success;
            }

            foreach (TargetJson watch in ended)
                common.Terminal.Out.WriteLine($"{watch.Name ?? watch.Command} (pid {watch.Pid}) is no longer watched; {watch.Snapshots} snapshots");
            return (int)ExitCode.Success;
        });
        return command;
    }
}

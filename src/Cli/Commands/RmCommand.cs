using System.CommandLine;
using Snap.Cli.Output;
using Snap.Engine;
using Snap.Engine.Client;
using Snap.Image;
using Snap.Store;

namespace Snap.Cli.Commands;

/// <summary><c>snap rm REF…</c>: deletes snapshots.</summary>
internal static class RmCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        Argument<string[]> references = CommandOptions.NoOption(new Argument<string[]>("REF") { Description = "The snapshots, named as for restore", Arity = ArgumentArity.OneOrMore });
        var dryRun = new Option<bool>("--dry-run") { Description = "Say what would be deleted, and change nothing" };
        var command = new Command("rm", "Delete snapshots; those that build on them stay whole. `snap gc` gives the space back") { references, dryRun };
        command.SetAction(parsed =>
        {
            using IEngine engine = EngineAccess.Open(common.StoreDirectory(parsed), mustExist: true);
            bool isDry = parsed.GetValue(dryRun);
            IReadOnlyList<SnapshotInfo> chosen = engine.Remove(parsed.GetRequiredValue(references), isDry);
            if (common.WantsJson(parsed))
            {
                common.Terminal.Out.WriteLine(CliJson.Text(new RmJson { DryRun = isDry, Removed = [.. chosen.Select(SnapshotRefJson.Of)] }, CliJson.Readable.RmJson));
                return (int)ExitCode.Success;
            }
            foreach (SnapshotInfo snapshot in chosen)
                common.Terminal.Out.WriteLine($"{(isDry ? "would delete" : "deleted")} {snapshot}");
            return (int)ExitCode.Success;
        });
        return command;
    }
}

using System.CommandLine;
using Snap.Cli.Output;
using Snap.Engine.Client;
using Snap.Image;
using Snap.Store;

namespace Snap.Cli.Commands;

/// <summary><c>snap repair</c>: heals what can be healed, and drops what is lost.</summary>
internal static class RepairCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        var dryRun = new Option<bool>("--dry-run") { Description = "Say what would be healed and what is lost, and change nothing" };
        var command = new Command("repair", "Heal a damaged store: what was stored again elsewhere is put back, snapshots that stay unreadable are deleted") { dryRun };
        command.SetAction(parsed =>
        {
            bool isDry = parsed.GetValue(dryRun);
            using var progress = new ProgressLine(common.Terminal);
            // It needs the store for itself.
            EngineAccess.MakeWay(common.StoreDirectory(parsed));
            RepairReport report = StoreWriter.Repair(common.StoreDirectory(parsed), isDry, progress.Show);
            progress.Clear();
            var json = RepairJson.Of(report, isDry);
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text(json, CliJson.Readable.RepairJson));
            else
                Show(common.Terminal, report, json);
            return (int)(isDry || json.Whole ? ExitCode.Success : ExitCode.StoreDamaged);
        });
        return command;
    }

    private static void Show(Terminal terminal, RepairReport report, RepairJson json)
    {
        VerifyCommand.ShowFindings(terminal, json.Findings);
        foreach (string note in report.Notes)
            terminal.Out.WriteLine(note);
        if (json.Findings.Count == 0)
        {
            terminal.Out.WriteLine(json.DryRun && report.Notes.Count > 0 ? "run it without --dry-run to do so; it then looks at the segments too" : "no damage was found in the segments");
            return;
        }
        foreach (SnapshotInfo snapshot in report.Healed)
            terminal.Out.WriteLine($"healed  {snapshot}");
        foreach (SnapshotInfo snapshot in report.Dropped)
            terminal.Out.WriteLine($"{(json.DryRun ? "hurt   " : "deleted")} {snapshot}");
        foreach (string tag in report.TagsLost)
            terminal.Out.WriteLine($"removed tag {tag}");
        string would = json.DryRun ? " would be" : "";
        terminal.Out.WriteLine($"{report.PagesHealed} pages{would} put back, {report.SegmentsRewritten} segments{would} rewritten"
            + (json.DryRun ? "" : json.Whole ? "; the store is whole" : "; damage is left, `snap verify --read-data` shows it"));
    }
}

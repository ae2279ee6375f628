using System.CommandLine;
using System.Globalization;
using Snap.Cli.Output;
using Snap.Engine;
using Snap.Engine.Client;
using Snap.Image;
using Snap.Store;
using Spectre.Console;

namespace Snap.Cli.Commands;

/// <summary><c>snap gc [NAME]</c>: deletes what no rule keeps, and gives the space of what is unreachable back.</summary>
internal static class GcCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        Argument<string?> name = CommandOptions.NoOption(
            new Argument<string?>("NAME") { Description = "Only the snapshots of this name may go", Arity = ArgumentArity.ZeroOrOne });
        var dryRun = new Option<bool>("--dry-run") { Description = "List what would go and what would stay, with the reasons, and change nothing" };
        var maxSize = new Option<long?>("--max-size")
        {
            Description = "Then delete the oldest snapshots until the store fits: 500M, 2G; tags and each name's newest stay", HelpName = "BYTES",
            CustomParser = result => CommandOptions.ParseBytes("--max-size", result),
        };
        var save = new Option<bool>("--save") { Description = "Store the rules for NAME, or else for every name; later runs without rules use them. Without rules: forget the stored ones" };
        var deleteAll = new Option<bool>("--delete-all") { Description = "Go on even if no snapshot at all would be left" };
        var command = new Command("gc", "Delete snapshots that no rule keeps, and give the space of everything unreachable back to the file system") { name };
        var rules = new KeepOptions(command);
        foreach (Option option in new Option[] { maxSize, dryRun, save, deleteAll })
            command.Add(option);
        command.SetAction(parsed =>
        {
            RetentionPolicy policy = rules.Policy(parsed);
            bool isDry = parsed.GetValue(dryRun);
            using var progress = new ProgressLine(common.Terminal);
            using IEngine engine = EngineAccess.Open(common.StoreDirectory(parsed), mustExist: true, progress.Show);
            GarbageReport report = engine.Collect(new CollectOptions
            {
                Policy = policy,
                Name = parsed.GetValue(name),
                MaxBytes = parsed.GetValue(maxSize) ?? 0,
                MayDeleteAll = parsed.GetValue(deleteAll),
                DryRun = isDry,
                Save = parsed.GetValue(save),
                Progress = progress.Show,
            });
            progress.Clear();
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text(GcJson.Of(report, isDry), CliJson.Readable.GcJson));
            else
                Show(common.Terminal, report, isDry);
            return (int)(report.Problems.Count == 0 ? ExitCode.Success : ExitCode.StoreDamaged);
        });
        return command;
    }

    private static void Show(Terminal terminal, GarbageReport report, bool isDry)
    {
        DateTimeOffset now = DateTimeOffset.Now;
        if (isDry && report.Decisions.Count > 0)
        {
            Table table = Tables.New("", "id", "name", "seq>", "taken", "why");
            foreach (RetentionDecision decision in report.Decisions.OrderByDescending(decision => decision.Snapshot.Time))
            {
                SnapshotInfo snapshot = decision.Snapshot;
                table.AddRow(new Markup(decision.IsKept ? "[green]stays[/]" : "[yellow]goes[/]"), new Text(snapshot.Id.ToString()[..8]), new Text(snapshot.Name),
                    new Text(snapshot.Sequence.ToString(CultureInfo.InvariantCulture)), new Text(Sizes.Moment(snapshot.Time, now)), new Text(decision.Reason));
            }
            terminal.Write(table);
        }
        int dropped = report.Decisions.Count(decision => !decision.IsKept);
        string would = isDry ? "would be " : "";
        terminal.Out.WriteLine($"{dropped} snapshots {would}deleted, {report.Decisions.Count - dropped} kept; "
            + $"{Sizes.Bytes(report.BytesBefore - report.BytesAfter)} {would}freed, {Sizes.Bytes(report.BytesAfter)} left ({Sizes.Bytes(report.BytesRewritten)} rewritten)");
        if (report.FilesLeased > 0)
            terminal.Out.WriteLine($"{report.FilesLeased} files stay until their readers end; the next gc removes them");
        foreach (string problem in report.Problems)
            terminal.Error.WriteLine($"snap: {problem}; `snap verify` shows which snapshots are hurt");
    }
}

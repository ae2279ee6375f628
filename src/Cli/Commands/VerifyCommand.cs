using System.CommandLine;
using Snap.Cli.Output;
using Snap.Image;
using Snap.Store;
using Spectre.Console;

namespace Snap.Cli.Commands;

/// <summary><c>snap verify</c>: looks for damage.</summary>
internal static class VerifyCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        var readData = new Option<bool>("--read-data") { Description = "Read and decode every stored byte, not only the structure" };
        var command = new Command("verify", "Look for damage in the store, and say which snapshots it hurts") { readData };
        command.SetAction(parsed =>
        {
            using var progress = new ProgressLine(common.Terminal);
            using StoreReader store = StoreReader.Open(common.StoreDirectory(parsed));
            bool everything = parsed.GetValue(readData);
            VerifyReport report = store.Verify(everything, progress.Show);
            progress.Clear();
            IReadOnlyList<FindingJson> findings = FindingView.Of(store, report.Findings);
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text(VerifyJson.Of(report, findings, everything), CliJson.Readable.VerifyJson));
            else
                Show(common.Terminal, report, findings, everything);
            return (int)(report.IsWhole ? ExitCode.Success : ExitCode.StoreDamaged);
        });
        return command;
    }

    /// <summary>The findings as a table.</summary>
    public static void ShowFindings(Terminal terminal, IReadOnlyList<FindingJson> findings)
    {
        if (findings.Count == 0)
            return;
        Table table = Tables.New("where", "what");
        foreach (FindingJson finding in findings)
            table.AddRow(new Text(finding.Where), new Text(finding.Process is { } process ? $"{finding.What}: {process}" : finding.What));
        terminal.Write(table);
    }

    private static void Show(Terminal terminal, VerifyReport report, IReadOnlyList<FindingJson> findings, bool everything)
    {
        ShowFindings(terminal, findings);
        string looked = $"{report.Snapshots} snapshots in {report.Segments} segments{(everything ? $", {report.Records} records, {Sizes.Bytes(report.Bytes)} read" : "")}";
        terminal.Out.WriteLine(report.IsWhole ? $"no damage: {looked}" : $"{report.Damaged.Count} of {looked} are damaged; the others stay restorable");
        if (!report.IsWhole)
            terminal.Out.WriteLine("`snap repair --dry-run` says what can be saved");
        else if (!everything)
            terminal.Out.WriteLine("pages were not read; --read-data reads them too");
    }
}

using System.CommandLine;
using Snap.Cli.Checks;
using Snap.Cli.Output;
using Snap.Image;
using Spectre.Console;

namespace Snap.Cli.Commands;

/// <summary><c>snap check</c>: what this machine allows, and what that costs.</summary>
internal static class CheckCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        var command = new Command("check", "Probe what this kernel and this user allow, and say what is missing and what that costs");
        command.SetAction(parsed =>
        {
            MachineCheck check = MachineCheck.Run();
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text(AsJson(check), CliJson.Readable.CheckJson));
            else
                Show(check, common.Terminal);
            return (int)(check.CanCapture ? ExitCode.Success : ExitCode.NotPermitted);
        });
        return command;
    }

    private static CheckJson AsJson(MachineCheck check) => new()
    {
        Version = Program.Version,
        Kernel = MachineCheck.KernelRelease,
        Tracker = CliJson.Word(check.Tracker),
        CanCapture = check.CanCapture,
        CanRestore = check.CanRestore,
        Findings = [.. check.Findings.Select(finding => new CheckFindingJson
        {
            Feature = finding.Feature,
            Present = finding.IsPresent,
            Detail = finding.Detail,
            Cost = finding.IsPresent ? null : finding.CostIfAbsent,
        })],
    };

    private static void Show(MachineCheck check, Terminal terminal)
    {
        Table table = Tables.New("", "feature", "found");
        foreach (Finding finding in check.Findings)
        {
            string detail = finding.IsPresent ? finding.Detail : $"{finding.Detail}; without it: {finding.CostIfAbsent}";
            table.AddRow(new Markup(finding.IsPresent ? "[green]yes[/]" : "[yellow]no[/]"), new Text(finding.Feature), new Text(detail));
        }

        terminal.Write(table);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine($"Linux {MachineCheck.KernelRelease}, user id {check.UserId}, tracker: {Describe(check.Tracker)}");
        terminal.Out.WriteLine(check.CanCapture ? "Snapshots can be taken here." : "No snapshots can be taken here; the lines with 'no' say why.");
        terminal.Out.WriteLine(check.CanRestore ? "They can be restored under their old pids." : "They can't be restored by this user: see choose-pids.");
    }

    private static string Describe(TrackerKind tracker) => tracker switch
    {
        TrackerKind.WriteProtect => "write-protect (exact, most pages copied while the target runs)",
        TrackerKind.SoftDirty => "soft-dirty (exact, copied in short freezes)",
        _ => "compare (exact, but all of memory is read in every freeze)",
    };
}

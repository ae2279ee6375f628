using System.CommandLine;
using Snap.Cli.Checks;
using Snap.Cli.Demo;
using Snap.Cli.Output;
using Snap.Image;

namespace Snap.Cli.Commands;

/// <summary><c>snap demo</c>: shows on a real program that it works here.</summary>
internal static class DemoCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        var command = new Command("demo", "Watch a real program, kill it, bring it back from an earlier moment, and explain each step; uses a store of its own");
        command.SetAction(parsed =>
        {
            MachineCheck check = MachineCheck.Run();
            if (!check.CanCapture || !check.CanRestore)
            {
                throw new SnapException(ErrorCatalogue.CannotCaptureHere, "this user can't run the demo here",
                    why: string.Join("; ", check.Findings.Where(finding => !finding.IsPresent).Select(finding => $"{finding.Feature}: {finding.Detail}")),
                    toDo: "run it as root; `snap check` says what each missing thing costs");
            }

            bool json = common.WantsJson(parsed);
            DemoJson result = new Demonstration(common.Terminal, quiet: json).Run();
            if (json)
                common.Terminal.Out.WriteLine(CliJson.Text(result, CliJson.Readable.DemoJson));
            return (int)ExitCode.Success;
        });
        return command;
    }
}

using System.CommandLine;
using System.CommandLine.Help;
using Snap.Cli.Commands;
using Snap.Cli.Output;
using Snap.Image;

namespace Snap.Cli;

/// <summary>All commands with their options: what parsing, help and docs/cli.md are made from.</summary>
internal static class CommandTree
{
    /// <summary>Builds it.</summary>
    public static RootCommand Build(Terminal terminal)
    {
        var common = new CommonOptions(terminal);
        var root = new RootCommand("Git for running processes: snapshots of a live program, cheap enough to take ten a second, any of which comes back to life.")
        {
            common.Store,
            common.Json,
        };
        foreach (Command command in new[]
        {
            DemoCommand.Create(common), RunCommand.Create(common), WatchCommand.Create(common), TakeCommand.Create(common), LogCommand.Create(common),
            ShowCommand.Create(common), RestoreCommand.Create(common), TagCommand.Create(common), RmCommand.Create(common), GcCommand.Create(common),
            VerifyCommand.Create(common), RepairCommand.Create(common), StatsCommand.Create(common), PsCommand.Create(common), UnwatchCommand.Create(common), EngineCommand.Create(common), CheckCommand.Create(common),
        })
            root.Add(command);
        foreach (Option option in root.Options)
        {
            if (option is VersionOption version)
                version.Action = new VersionAction(terminal);
            else if (option is HelpOption help)
                help.Action = new ExamplesHelp((HelpAction)help.Action!);
        }

        root.SetAction(parsed =>
        {
            root.Parse(["--help"]).Invoke(new InvocationConfiguration { Output = terminal.Error, Error = terminal.Error });
            return (int)ExitCode.Usage;
        });
        return root;
    }

    private sealed class VersionAction(Terminal terminal) : System.CommandLine.Invocation.SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            terminal.Out.WriteLine($"snap {Program.Version}");
            return 0;
        }
    }
}

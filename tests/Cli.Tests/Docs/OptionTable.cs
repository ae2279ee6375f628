using System.CommandLine;
using System.CommandLine.Help;
using System.Text;
using Snap.Cli.Output;

namespace Snap.Cli.Tests.Docs;

/// <summary>Writes the part of docs/cli.md that follows from the command tree.</summary>
internal static class OptionTable
{
    public static string Write()
    {
        RootCommand root = CommandTree.Build(new Terminal(TextWriter.Null, TextWriter.Null));
        var text = new StringBuilder();
        text.Append("### Every command\n\n");
        Rows(text, root.Options.Where(option => option is not (HelpOption or VersionOption)));
        foreach (Command command in root.Subcommands.Where(command => !command.Hidden))
        {
            text.Append($"### `snap {command.Name}{string.Concat(command.Arguments.Select(Usage))}`\n\n{command.Description}.\n\n");
            if (command.Arguments.Count + command.Options.Count(option => option is not HelpOption) > 0)
                Rows(text, command.Arguments, command.Options.Where(option => option is not HelpOption));
            if (ExamplesHelp.Examples.TryGetValue(command.Name, out string[]? examples))
                text.Append($"```sh\n{string.Join('\n', examples)}\n```\n\n");
        }

        return text.ToString();
    }

    private static void Rows(StringBuilder text, IEnumerable<Option> options) => Rows(text, [], options);

    private static void Rows(StringBuilder text, IEnumerable<Argument> arguments, IEnumerable<Option> options)
    {
        text.Append("| | |\n| --- | --- |\n");
        foreach (Argument argument in arguments)
            text.Append($"| `{argument.Name}` | {argument.Description} |\n");
        foreach (Option option in options.Where(option => !option.Hidden))
            text.Append($"| `{option.Name}{(option.ValueType == typeof(bool) ? "" : " " + (option.HelpName ?? "VALUE"))}` | {option.Description} |\n");
        text.Append('\n');
    }

    private static string Usage(Argument argument)
    {
        string name = argument.Arity.MaximumNumberOfValues > 1 ? argument.Name + "…" : argument.Name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $" [{name}]" : $" {name}";
    }
}

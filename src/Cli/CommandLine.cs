using System.CommandLine;
using System.CommandLine.Invocation;
using Snap.Cli.Output;
using Snap.Image;
using Snap.Kernel;

namespace Snap.Cli;

/// <summary>Runs one command line: parse, act, and turn every failure into a message and an exit code.</summary>
internal static class CommandLine
{
    private static readonly string[] _jsonOption = ["--json"];

    /// <summary>Runs it.</summary>
    /// <returns>What the process exits with.</returns>
    public static int Run(string[] args, Terminal terminal)
    {
        // Known before parsing, since a wrong command line has to be reported in the form that was asked for.
        bool json = args.TakeWhile(argument => argument != "--").Intersect(_jsonOption).Any();
        try
        {
            ParseResult parsed = CommandTree.Build(terminal).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Action is ParseErrorAction)
                throw WrongUsage(parsed);
            return parsed.Invoke(new InvocationConfiguration
            {
                Output = terminal.Out,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (OutputClosedException)
        {
            return OutputClosedException.ShellCode;
        }
        catch (Exception failure)
        {
            return ErrorReport.Print(terminal, AsSnapException(failure), json);
        }
    }

    /// <summary>Any failure as one of the catalogue; what is none becomes S0001 with all that a report of it needs.</summary>
    internal static SnapException AsSnapException(Exception failure) => failure switch
    {
        SnapException known => known,
        KernelException kernel => new SnapException(ErrorCatalogue.Internal, $"the kernel refused what Snap needs: {kernel.Operation}",
            where: FirstFrames(kernel), why: kernel.Errno.ToString(), toDo: "`snap check` shows what this machine allows", inner: kernel),
        _ => new SnapException(ErrorCatalogue.Internal, "something failed that Snap has no message for", where: FirstFrames(failure),
            why: $"{failure.GetType().Name}: {failure.Message}", toDo: "please report it, with these lines", inner: failure),
    };

    private static string? FirstFrames(Exception failure) =>
        failure.StackTrace is { } trace ? string.Join(" < ", trace.Split('\n').Take(6).Select(line => line.Trim())) : null;

    private static SnapException WrongUsage(ParseResult parsed)
    {
        string command = string.Join(' ', Path(parsed.CommandResult));
        SnapException[] findings = [.. parsed.Errors.Select(error => new SnapException(ErrorCatalogue.UsageWrong, Sentence(error.Message),
            toDo: $"`{command} --help` lists what it takes"))];
        return new SnapException(ErrorCatalogue.UsageWrong, findings[0].What, toDo: findings[0].ToDo) { Others = findings[1..] };
    }

    private static string Sentence(string message)
    {
        string trimmed = message.TrimEnd('.');
        return trimmed.Length > 1 && char.IsUpper(trimmed[0]) && char.IsLower(trimmed[1]) ? char.ToLowerInvariant(trimmed[0]) + trimmed[1..] : trimmed;
    }

    private static IEnumerable<string> Path(System.CommandLine.Parsing.SymbolResult? at)
    {
        var names = new Stack<string>();
        for (; at is not null; at = at.Parent)
        {
            if (at is System.CommandLine.Parsing.CommandResult command)
                names.Push(command.Command is RootCommand ? "snap" : command.Command.Name);
        }

        return names;
    }
}

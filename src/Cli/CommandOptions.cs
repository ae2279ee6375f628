using System.CommandLine;
using System.CommandLine.Parsing;
using Snap.Store;

namespace Snap.Cli;

/// <summary>Makes options of the forms that several commands share.</summary>
internal static class CommandOptions
{
    /// <summary>An option that takes a duration longer than zero: <c>200ms</c>, <c>1s</c>, <c>5m</c>.</summary>
    public static Option<TimeSpan?> Duration(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "D",
        CustomParser = result => ParseDuration(name, result),
    };

    /// <summary>An option that takes a count of at least one.</summary>
    public static Option<int?> Count(string name, string description)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: { } text }] && !(int.TryParse(text, out int count) && count > 0))
                result.AddError($"{name} takes a number of at least 1, not '{text}'");
        });
        return option;
    }

    /// <summary>The argument that names a running process.</summary>
    public static Argument<string> Target() => NoOption(new Argument<string>("TARGET") { Description = "A pid, or the name of a running process" });

    /// <summary>The argument that names a snapshot.</summary>
    public static Argument<string> Reference() =>
        NoOption(new Argument<string>("REF") { Description = "An id's prefix, NAME (its newest), NAME~3 (third parent), NAME@10s (ago), NAME@TIME, a tag, or latest" });

    /// <summary>The option that names the chain.</summary>
    public static Option<string?> Name() => new("--name") { Description = "Name of the snapshots; else the program's", HelpName = "NAME" };

    /// <summary>Lets an argument refuse what starts with a dash: a mistyped option, which would else be looked for as a name.</summary>
    public static Argument<T> NoOption<T>(Argument<T> argument)
    {
        argument.Validators.Add(result =>
        {
            foreach (Token token in result.Tokens.Where(token => token.Value.StartsWith('-')))
                result.AddError($"unknown option '{token.Value}'");
        });
        return argument;
    }

    private static TimeSpan? ParseDuration(string name, ArgumentResult result)
    {
        string text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (Durations.TryParse(text, out TimeSpan duration) && duration > TimeSpan.Zero)
            return duration;
        result.AddError($"{name} takes a duration such as 200ms, 1s, 5m, not '{text}'");
        return null;
    }
}

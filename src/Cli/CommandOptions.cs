using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Snap.Restorer;
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

    /// <summary>The option that says what to do about files that have changed.</summary>
    public static Option<FilesPolicy> Files(string description) => new("--files")
    {
        Description = description,
        HelpName = "fail|keep",
        CustomParser = ParseFiles,
        DefaultValueFactory = _ => FilesPolicy.Fail,
    };

    /// <summary>The option that names a goal for pauses.</summary>
    public static Option<TimeSpan?> MaxPause() =>
        Duration("--max-pause", "Try to let it stand still no longer than this, by more passes while it runs; a snapshot that took longer says so");

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

    /// <summary>Reads a count of bytes: <c>1000000</c>, <c>500K</c>, <c>64M</c>, <c>2G</c>, <c>1.5GiB</c>; units are powers of 1024.</summary>
    public static long? ParseBytes(string name, ArgumentResult result)
    {
        string text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        int digits = text.TakeWhile(letter => char.IsAsciiDigit(letter) || letter == '.').Count();
        int power = text[digits..].ToUpperInvariant() switch { "" or "B" => 0, "K" or "KB" or "KIB" => 1, "M" or "MB" or "MIB" => 2, "G" or "GB" or "GIB" => 3, "T" or "TB" or "TIB" => 4, _ => -1 };
        if (power >= 0 && double.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)
            && count * Math.Pow(1024, power) is >= 1 and < long.MaxValue / 2 and double bytes)
            return (long)bytes;
        result.AddError($"{name} takes a number of bytes such as 500M or 2G, not '{text}'");
        return null;
    }

    private static FilesPolicy ParseFiles(ArgumentResult result)
    {
        switch (result.Tokens.Count == 1 ? result.Tokens[0].Value : "")
        {
            case "fail":
                return FilesPolicy.Fail;
            case "keep":
                return FilesPolicy.Keep;
            default:
                result.AddError("--files is fail or keep");
                return FilesPolicy.Fail;
        }
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

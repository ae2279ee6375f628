using System.CommandLine;
using Snap.Cli.Output;
using Snap.Image;

namespace Snap.Cli;

/// <summary>What every command takes.</summary>
internal sealed class CommonOptions
{
    /// <summary>Makes the options.</summary>
    public CommonOptions(Terminal terminal)
    {
        Terminal = terminal;
        Store = new Option<string?>("--store") { Description = "Directory of the store; else $SNAP_STORE, else the XDG data directory", HelpName = "DIR", Recursive = true };
        Json = new Option<bool>("--json") { Description = "Print one JSON value on stdout, errors too", Recursive = true };
    }

    /// <summary>Where output goes.</summary>
    public Terminal Terminal { get; }

    /// <summary>--store.</summary>
    public Option<string?> Store { get; }

    /// <summary>--json.</summary>
    public Option<bool> Json { get; }

    /// <summary>True if the command was called with --json.</summary>
    public bool WantsJson(ParseResult parsed) => parsed.GetValue(Json);

    /// <summary>The store's directory.</summary>
    /// <exception cref="SnapException">S0102: nothing names one.</exception>
    public string StoreDirectory(ParseResult parsed) => StoreDirectory(parsed.GetValue(Store), Environment.GetEnvironmentVariable);

    internal static string StoreDirectory(string? option, Func<string, string?> variable)
    {
        if (!string.IsNullOrEmpty(option))
            return Path.GetFullPath(option);
        if (variable("SNAP_STORE") is { Length: > 0 } named)
            return Path.GetFullPath(named);
        // The XDG specification: a relative path in the variable is to be ignored.
        if (variable("XDG_DATA_HOME") is { } data && Path.IsPathFullyQualified(data))
            return Path.Combine(data, "snap");
        if (variable("HOME") is { } home && Path.IsPathFullyQualified(home))
            return Path.Combine(home, ".local/share/snap");
        throw new SnapException(ErrorCatalogue.NoStoreNamed, "cannot tell where the store is", why: "neither --store nor SNAP_STORE, XDG_DATA_HOME or HOME is set",
            toDo: "name it with --store DIR");
    }
}

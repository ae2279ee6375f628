using System.CommandLine;
using Snap.Image;
using Snap.Store;

namespace Snap.Cli;

/// <summary>The options by which a command that writes snapshots says how the store keeps them.</summary>
internal sealed class StoreOptionSet
{
    /// <summary>Makes the options, and adds them to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="withKeep">Whether it goes on long enough for --keep.</param>
    public StoreOptionSet(Command command, bool withKeep)
    {
        Durability = new Option<string?>("--durability")
        {
            Description = "sync (the default): a snapshot that was reported survives a power cut; relaxed: it survives the end of any process, but a power cut may take the newest ones",
            HelpName = "sync|relaxed",
        };
        Durability.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: not ("sync" or "relaxed") and { } wrong }])
                result.AddError($"--durability takes sync or relaxed, not '{wrong}'");
        });
        command.Add(Durability);
        Exclude = new Option<string[]>("--exclude")
        {
            Description = "Leave memory out: mappings by their names in /proc/PID/maps (a path, the label of [anon:LABEL], a memfd's name; * and ? allowed), or START-END in hex. Empty after a restore; may be repeated",
            HelpName = "MEMORY",
            AllowMultipleArgumentsPerToken = false,
        };
        Exclude.Validators.Add(result =>
        {
            foreach (System.CommandLine.Parsing.Token token in result.Tokens)
            {
                if (!Dumper.MemoryPattern.TryParse(token.Value, out _))
                    result.AddError($"--exclude takes a name, or START-END in hex at bounds of pages, not '{token.Value}'");
            }
        });
        command.Add(Exclude);
        if (!withKeep)
            return;
        Keep = new Option<string[]>("--keep")
        {
            Description = "Delete snapshots that no rule keeps, as it goes on, and store the rules for the name: last=N, within=D, every=D, every=D/FOR, hourly=N, daily=N, weekly=N, monthly=N, tags; may be repeated",
            HelpName = "RULE",
            AllowMultipleArgumentsPerToken = false,
        };
        command.Add(Keep);
    }

    /// <summary>--durability.</summary>
    public Option<string?> Durability { get; }

    /// <summary>--exclude.</summary>
    public Option<string[]> Exclude { get; }

    /// <summary>--keep.</summary>
    public Option<string[]>? Keep { get; }

    /// <summary>What --durability says.</summary>
    public Durability? Chosen(ParseResult parsed) => parsed.GetValue(Durability) switch
    {
        "relaxed" => Store.Durability.Relaxed,
        "sync" => Store.Durability.Sync,
        _ => null,
    };

    /// <summary>What --exclude says.</summary>
    public IReadOnlyList<string> Excluded(ParseResult parsed) => parsed.GetValue(Exclude) ?? [];

    /// <summary>The rules of --keep; null if there are none.</summary>
    /// <exception cref="SnapException">S0517: one can't be understood.</exception>
    public RetentionPolicy? Policy(ParseResult parsed) =>
        Keep is not null && parsed.GetValue(Keep) is { Length: > 0 } rules ? RetentionPolicy.Parse(string.Join(' ', rules)) : null;
}

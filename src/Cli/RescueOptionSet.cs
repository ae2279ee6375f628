using System.CommandLine;
using System.CommandLine.Parsing;
using Snap.Engine.Rescue;
using Snap.Restorer;

namespace Snap.Cli;

/// <summary>The options that say what is done when the target fails, or can't be captured.</summary>
internal sealed class RescueOptionSet
{
    private readonly Option<string?> _onExit;
    private readonly Option<int?> _limit;
    private readonly Option<FilesPolicy> _files = CommandOptions.Files("With --on-exit restore, if files that it had open have changed since the snapshot: fail (the default) gives it up, keep goes on with them as they are");
    private readonly Option<string[]> _onGap;

    /// <summary>Makes the options, and adds them to a command.</summary>
    public RescueOptionSet(Command command)
    {
        _onExit = new Option<string?>("--on-exit")
        {
            Description = "When it fails (a signal, an exit code other than 0), bring it back from its last snapshot, after 1 s, 2 s, 4 s, ...; not after SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE",
            HelpName = "restore",
        };
        _onExit.Validators.Add(result => Demand(result, "restore", "--on-exit takes restore"));
        _limit = CommandOptions.Count("--on-exit-limit", "Give up after N restores in a row, none of which ran for a minute; 5 if not given");
        _onGap = new Option<string[]>("--on-gap")
        {
            Description = "Run CMD (by sh -c) once, each time that it can't be captured for a while; SNAP_PID, SNAP_NAME, SNAP_SINCE, SNAP_ERROR and SNAP_REASON tell it more",
            HelpName = "exec CMD",
            Arity = new ArgumentArity(2, 2),
            AllowMultipleArgumentsPerToken = true,
        };
        _onGap.Validators.Add(result => Demand(result, "exec", "--on-gap takes exec and a command, quoted as one word"));
        command.Add(_onExit);
        command.Add(_limit);
        command.Add(_files);
        command.Add(_onGap);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_onExit) is null && (result.GetResult(_limit) is not null || result.GetResult(_files) is { Implicit: false }))
                result.AddError("--on-exit-limit and --files go with --on-exit restore");
        });
    }

    /// <summary>What --on-exit says; null for nothing.</summary>
    public RescueOptions? OnExit(ParseResult parsed) => parsed.GetValue(_onExit) is null ? null
        : new RescueOptions { Files = parsed.GetValue(_files), Limit = parsed.GetValue(_limit) ?? RescueOptions.DefaultLimit };

    /// <summary>The command of --on-gap; null for none.</summary>
    public string? OnGap(ParseResult parsed) => parsed.GetValue(_onGap) is [_, { } command] ? command : null;

    private static void Demand(OptionResult result, string word, string message)
    {
        if (result.Tokens.Count > 0 && result.Tokens[0].Value != word)
            result.AddError($"{message}, not '{result.Tokens[0].Value}'");
    }
}

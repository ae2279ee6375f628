using System.CommandLine;
using Snap.Store;

namespace Snap.Cli;

/// <summary>The rules of retention as options, each of which may keep a snapshot.</summary>
internal sealed class KeepOptions
{
    private readonly Option<int?> _last = CommandOptions.Count("--keep-last", "Keep the newest N of each name");
    private readonly Option<TimeSpan?> _within = CommandOptions.Duration("--keep-within", "Keep those not older than this, counted from the name's newest");
    private readonly Option<TimeSpan?> _every = CommandOptions.Duration("--keep-every", "Keep the newest of each slot of this length (10s, 5m)");
    private readonly Option<TimeSpan?> _for = CommandOptions.Duration("--for", "Apply --keep-every only to snapshots not older than this");
    private readonly Option<int?> _hourly = CommandOptions.Count("--keep-hourly", "Keep the newest of each of the last N hours that have one");
    private readonly Option<int?> _daily = CommandOptions.Count("--keep-daily", "The same by days");
    private readonly Option<int?> _weekly = CommandOptions.Count("--keep-weekly", "The same by weeks");
    private readonly Option<int?> _monthly = CommandOptions.Count("--keep-monthly", "The same by months");
    private readonly Option<bool> _tag = new("--keep-tag") { Description = "Keep tagged snapshots; they are always kept, so as the only rule nothing else is" };

    /// <summary>Adds them to a command.</summary>
    public KeepOptions(Command command)
    {
        foreach (Option option in new Option[] { _last, _within, _every, _for, _hourly, _daily, _weekly, _monthly, _tag })
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_for) is not null && result.GetResult(_every) is null)
                result.AddError("--for belongs to --keep-every");
        });
    }

    /// <summary>What they say; empty if none was given.</summary>
    public RetentionPolicy Policy(ParseResult parsed) => new()
    {
        KeepLast = parsed.GetValue(_last) ?? 0,
        KeepWithin = parsed.GetValue(_within) ?? TimeSpan.Zero,
        KeepEvery = parsed.GetValue(_every) is { } every ? [new KeepEvery(every, parsed.GetValue(_for))] : [],
        KeepHourly = parsed.GetValue(_hourly) ?? 0,
        KeepDaily = parsed.GetValue(_daily) ?? 0,
        KeepWeekly = parsed.GetValue(_weekly) ?? 0,
        KeepMonthly = parsed.GetValue(_monthly) ?? 0,
        KeepTagged = parsed.GetValue(_tag),
    };
}

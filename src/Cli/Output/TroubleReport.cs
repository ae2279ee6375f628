using System.Globalization;
using Snap.Engine;

namespace Snap.Cli.Output;

/// <summary>Says once when a target can't be captured any more and why, again when the reason changes, and when all is well again.</summary>
internal sealed class TroubleReport(TextWriter output)
{
    private string? _told;
    private DateTimeOffset _since;

    /// <summary>Looks at a status.</summary>
    /// <returns>True if something is wrong now.</returns>
    public bool Tell(WatchStatus status)
    {
        string? now = status is { NotCapturedSince: { } since, Reason: { } reason } ? Text(status, since, reason) : null;
        if (now is not null && now != _told)
            output.WriteLine(now);
        else if (now is null && _told is not null)
            output.WriteLine($"captured again, after {Sizes.Ago(DateTimeOffset.UtcNow - _since)}");
        _told = now;
        if (status.NotCapturedSince is { } first)
            _since = first;
        return now is not null;
    }

    private static string Text(WatchStatus status, DateTimeOffset since, Image.SnapException reason)
    {
        string moment = since.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        return status.WaitsForRoom
            ? $"not captured since {moment}: the store has no room; waiting, and going on when there is some ({reason.Kind.Id})"
            : $"not captured since {moment}: {reason.What}{(reason.Why is { } why ? $" ({why})" : "")}; trying again ({reason.Kind.Id})";
    }
}

using System.Globalization;
using System.Text;
using Snap.Image;

namespace Snap.Store;

/// <summary>Keep one snapshot of every <paramref name="Every"/>, among those not older than <paramref name="For"/>.</summary>
/// <param name="Every">Width of the slots of time.</param>
/// <param name="For">Age limit, counted from the name's newest snapshot; null = no limit.</param>
public readonly record struct KeepEvery(TimeSpan Every, TimeSpan? For);

/// <summary>Which snapshots of a name gc keeps: those that any of the rules keeps. A tagged snapshot is always kept.</summary>
public sealed record RetentionPolicy
{
    /// <summary>The newest N.</summary>
    public int KeepLast { get; init; }

    /// <summary>Those not older than this, counted from the newest.</summary>
    public TimeSpan KeepWithin { get; init; }

    /// <summary>The newest of each slot of time.</summary>
    public IReadOnlyList<KeepEvery> KeepEvery { get; init; } = [];

    /// <summary>The newest of each of the last N hours (UTC) that have one.</summary>
    public int KeepHourly { get; init; }

    /// <summary>The same by days.</summary>
    public int KeepDaily { get; init; }

    /// <summary>The same by weeks, which begin on Monday.</summary>
    public int KeepWeekly { get; init; }

    /// <summary>The same by months.</summary>
    public int KeepMonthly { get; init; }

    /// <summary>Tagged snapshots, which are kept anyhow: as the only rule, nothing else is.</summary>
    public bool KeepTagged { get; init; }

    /// <summary>True if no rule is set: then every snapshot is kept.</summary>
    public bool IsEmpty => this == new RetentionPolicy() || (KeepEvery.Count == 0 && this with { KeepEvery = [] } == new RetentionPolicy { KeepEvery = [] });

    /// <summary>Reads what <see cref="ToString"/> writes: <c>last=10 within=1h every=10s/1h every=1m hourly=24 daily=7</c>.</summary>
    /// <exception cref="SnapException">The text isn't a policy.</exception>
    public static RetentionPolicy Parse(string text)
    {
        var policy = new RetentionPolicy();
        var every = new List<KeepEvery>();
        foreach (string rule in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = rule.Split('=', 2);
            string value = parts.Length == 2 ? parts[1] : "";
            policy = parts[0] switch
            {
                "last" => policy with { KeepLast = Number(rule, value) },
                "within" => policy with { KeepWithin = Duration(rule, value) },
                "every" => policy,
                "hourly" => policy with { KeepHourly = Number(rule, value) },
                "daily" => policy with { KeepDaily = Number(rule, value) },
                "weekly" => policy with { KeepWeekly = Number(rule, value) },
                "monthly" => policy with { KeepMonthly = Number(rule, value) },
                "tags" when parts.Length == 1 => policy with { KeepTagged = true },
                _ => throw Invalid(rule),
            };
            if (parts[0] != "every")
                continue;
            string[] widths = value.Split('/', 2);
            every.Add(new KeepEvery(Duration(rule, widths[0]), widths.Length == 2 ? Duration(rule, widths[1]) : null));
        }
        return policy with { KeepEvery = every };
    }

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Add("last", KeepLast > 0 ? KeepLast.ToString(CultureInfo.InvariantCulture) : null);
        Add("within", KeepWithin > TimeSpan.Zero ? Durations.Format(KeepWithin) : null);
        foreach (KeepEvery rule in KeepEvery)
            Add("every", Durations.Format(rule.Every) + (rule.For is { } limit ? "/" + Durations.Format(limit) : ""));
        Add("hourly", KeepHourly > 0 ? KeepHourly.ToString(CultureInfo.InvariantCulture) : null);
        Add("daily", KeepDaily > 0 ? KeepDaily.ToString(CultureInfo.InvariantCulture) : null);
        Add("weekly", KeepWeekly > 0 ? KeepWeekly.ToString(CultureInfo.InvariantCulture) : null);
        Add("monthly", KeepMonthly > 0 ? KeepMonthly.ToString(CultureInfo.InvariantCulture) : null);
        if (KeepTagged)
            text.Append(text.Length > 0 ? " tags" : "tags");
        return text.ToString();

        void Add(string rule, string? value)
        {
            if (value is not null)
                text.Append(text.Length > 0 ? " " : "").Append(rule).Append('=').Append(value);
        }
    }

    private static int Number(string rule, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw Invalid(rule);

    private static TimeSpan Duration(string rule, string value) =>
        Durations.TryParse(value, out TimeSpan duration) && duration > TimeSpan.Zero ? duration : throw Invalid(rule);

    private static SnapException Invalid(string rule) =>
        new(ErrorCatalogue.PolicyInvalid, $"the retention rule '{rule}' can't be understood",
            why: "rules are last=N, within=D, every=D[/D], hourly=N, daily=N, weekly=N, monthly=N, tags; D is a duration like 10s or 2h",
            toDo: "see snap gc --help");
}

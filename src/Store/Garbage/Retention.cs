using System.Globalization;

namespace Snap.Store.Garbage;

/// <summary>Applies a policy to the snapshots of one name. No I/O.</summary>
internal static class Retention
{
    /// <summary>Decides on each snapshot, in the order given.</summary>
    /// <param name="snapshots">All of one name.</param>
    /// <param name="policy">The name's rules; null or empty keeps everything.</param>
    /// <param name="pins">Ids that something pins, with what.</param>
    public static List<RetentionDecision> Decide(IReadOnlyList<SnapshotInfo> snapshots, RetentionPolicy? policy,
        IReadOnlyDictionary<Image.SnapshotId, string> pins)
    {
        if (policy is null || policy.IsEmpty)
            return [.. snapshots.Select(snapshot => new RetentionDecision(snapshot, true, "no policy for its name"))];
        SnapshotInfo[] newestFirst = [.. snapshots.OrderByDescending(snapshot => snapshot.Time).ThenByDescending(snapshot => snapshot.Sequence)];
        var reasons = new Dictionary<Image.SnapshotId, List<string>>();
        void Keep(SnapshotInfo snapshot, string reason)
        {
            if (!reasons.TryGetValue(snapshot.Id, out List<string>? list))
                reasons[snapshot.Id] = list = [];
            list.Add(reason);
        }
        foreach (SnapshotInfo snapshot in newestFirst)
        {
            if (pins.TryGetValue(snapshot.Id, out string? pin))
                Keep(snapshot, pin);
        }
        foreach (SnapshotInfo snapshot in newestFirst.Take(policy.KeepLast))
            Keep(snapshot, string.Create(CultureInfo.InvariantCulture, $"among the last {policy.KeepLast}"));
        DateTimeOffset newest = newestFirst.Length == 0 ? default : newestFirst[0].Time;
        if (policy.KeepWithin > TimeSpan.Zero)
        {
            foreach (SnapshotInfo snapshot in newestFirst.TakeWhile(snapshot => newest - snapshot.Time <= policy.KeepWithin))
                Keep(snapshot, $"within {Durations.Format(policy.KeepWithin)}");
        }
        foreach (KeepEvery rule in policy.KeepEvery)
        {
            string reason = $"one every {Durations.Format(rule.Every)}" + (rule.For is { } limit ? $" for {Durations.Format(limit)}" : "");
            KeepSlots(newestFirst.Where(snapshot => rule.For is not { } oldest || newest - snapshot.Time <= oldest),
                int.MaxValue, time => time.UtcTicks / rule.Every.Ticks, snapshot => Keep(snapshot, reason));
        }
        KeepSlots(newestFirst, policy.KeepHourly, time => time.UtcTicks / TimeSpan.TicksPerHour, snapshot => Keep(snapshot, "hourly"));
        KeepSlots(newestFirst, policy.KeepDaily, time => time.UtcTicks / TimeSpan.TicksPerDay, snapshot => Keep(snapshot, "daily"));
        // Day 0 of the calendar was a Monday.
        KeepSlots(newestFirst, policy.KeepWeekly, time => time.UtcTicks / TimeSpan.TicksPerDay / 7, snapshot => Keep(snapshot, "weekly"));
        KeepSlots(newestFirst, policy.KeepMonthly, time => (time.UtcDateTime.Year * 12) + time.UtcDateTime.Month, snapshot => Keep(snapshot, "monthly"));
        return [.. snapshots.Select(snapshot => reasons.TryGetValue(snapshot.Id, out List<string>? list)
            ? new RetentionDecision(snapshot, true, string.Join(", ", list))
            : new RetentionDecision(snapshot, false, "no rule keeps it"))];
    }

    private static void KeepSlots(IEnumerable<SnapshotInfo> newestFirst, int count, Func<DateTimeOffset, long> slotOf, Action<SnapshotInfo> keep)
    {
        long? last = null;
        foreach (SnapshotInfo snapshot in newestFirst)
        {
            long slot = slotOf(snapshot.Time);
            if (slot == last)
                continue;
            if (count-- <= 0)
                return;
            last = slot;
            keep(snapshot);
        }
    }
}

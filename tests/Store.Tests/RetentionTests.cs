using System.Globalization;
using Snap.Image;
using Snap.Store.Garbage;

namespace Snap.Store.Tests;

/// <summary>Policies against a model that groups by the calendar instead of walking over slots.</summary>
public sealed class RetentionTests
{
    // Goal: any policy keeps just what its rules say, at the bounds of hours, days, ISO weeks, months and years too, leap days included. Method: random
    // times, many of them at or next to such a bound, in any order, equal ones among them.
    [Fact]
    public void Random_policies_keep_what_the_calendar_says()
    {
        for (int seed = 0; seed < 500 * TestScale.Value; seed++)
        {
            var random = new Random(seed);
            SnapshotInfo[] snapshots = Snapshots(random);
            RetentionPolicy policy = Policy(random);
            Dictionary<SnapshotId, string> pins = snapshots.Where(_ => random.Next(12) == 0).ToDictionary(snapshot => snapshot.Id, _ => "tag good");
            HashSet<SnapshotId> expected = policy.IsEmpty ? [.. snapshots.Select(snapshot => snapshot.Id)] : [.. Kept(snapshots, policy), .. pins.Keys];
            List<RetentionDecision> decisions = Retention.Decide(snapshots, policy, pins);
            Assert.Equal(snapshots, decisions.Select(decision => decision.Snapshot));
            foreach (RetentionDecision decision in decisions)
            {
                Assert.True(expected.Contains(decision.Snapshot.Id) == decision.IsKept,
                    $"seed {seed}, {policy}: {decision.Snapshot.Time:u} is {(decision.IsKept ? "kept" : "dropped")} ({decision.Reason})");
            }
        }
    }

    // A user who moves, or whose clock is set back in autumn, must not lose other snapshots: a day is a day of UTC, however a moment is written.
    [Fact]
    public void How_a_moment_is_written_makes_no_difference()
    {
        TimeZoneInfo berlin = TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(1), "test", "test", "test summer",
            [TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(DateTime.MinValue.Date, DateTime.MaxValue.Date, TimeSpan.FromHours(1),
                TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new DateTime(1, 1, 1, 2, 0, 0), 3, 5, DayOfWeek.Sunday),
                TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new DateTime(1, 1, 1, 3, 0, 0), 10, 5, DayOfWeek.Sunday))]);
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            // Round the hour that comes twice.
            var change = new DateTimeOffset(2026, 10, 25, 1, 0, 0, TimeSpan.Zero);
            SnapshotInfo[] utc = [.. Enumerable.Range(1, 30).Select(i => At(i, change.AddMinutes(random.Next(-3000, 3000))))];
            SnapshotInfo[] local = [.. utc.Select(snapshot => snapshot with { Time = TimeZoneInfo.ConvertTime(snapshot.Time, berlin) })];
            SnapshotInfo[] anywhere = [.. utc.Select(snapshot => snapshot with { Time = snapshot.Time.ToOffset(TimeSpan.FromMinutes(random.Next(-14 * 60, 14 * 60))) })];
            RetentionPolicy policy = Policy(random);
            bool[] expected = Decide(utc, policy);
            Assert.Equal(expected, Decide(local, policy));
            Assert.Equal(expected, Decide(anywhere, policy));
        }
    }

    [Fact]
    public void A_month_is_one_of_UTC_however_a_moment_is_written()
    {
        var midnight = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
        SnapshotInfo[] snapshots = [At(1, midnight.AddHours(-2).ToOffset(TimeSpan.FromHours(9))), At(2, midnight.AddHours(2).ToOffset(TimeSpan.FromHours(9)))];
        Assert.Equal([true, true], Decide(snapshots, new RetentionPolicy { KeepMonthly = 2 }));
        snapshots = [At(1, midnight.AddHours(2).ToOffset(TimeSpan.FromHours(-9))), At(2, midnight.AddHours(20).ToOffset(TimeSpan.FromHours(-9)))];
        Assert.Equal([false, true], Decide(snapshots, new RetentionPolicy { KeepMonthly = 2 }));
    }

    // A user who keeps an hour of snapshots, one a minute, wants the one of an hour ago too.
    [Fact]
    public void What_is_just_as_old_as_a_limit_is_kept_and_a_tick_older_is_not()
    {
        var newest = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        TimeSpan hour = TimeSpan.FromHours(1);
        SnapshotInfo[] snapshots = [At(1, newest - hour - TimeSpan.FromTicks(1)), At(2, newest - hour), At(3, newest)];
        Assert.Equal([false, true, true], Decide(snapshots, new RetentionPolicy { KeepWithin = hour }));
        Assert.Equal([false, true, true], Decide(snapshots, new RetentionPolicy { KeepEvery = [new KeepEvery(TimeSpan.FromTicks(1), hour)] }));
    }

    private static bool[] Decide(SnapshotInfo[] snapshots, RetentionPolicy policy) =>
        [.. Retention.Decide(snapshots, policy, new Dictionary<SnapshotId, string>()).Select(decision => decision.IsKept)];

    private static IEnumerable<SnapshotId> Kept(SnapshotInfo[] snapshots, RetentionPolicy policy)
    {
        SnapshotInfo[] newestFirst = [.. snapshots.OrderBy(snapshot => snapshot.Time.UtcDateTime).ThenBy(snapshot => snapshot.Sequence).Reverse()];
        if (newestFirst.Length == 0)
            return [];
        DateTime newest = newestFirst[0].Time.UtcDateTime;
        IEnumerable<SnapshotInfo> NewestOfLast<T>(int periods, Func<DateTime, T> periodOf) =>
            newestFirst.GroupBy(snapshot => periodOf(snapshot.Time.UtcDateTime)).OrderByDescending(period => period.Max(snapshot => snapshot.Time)).Take(periods).Select(period => period.First());
        IEnumerable<SnapshotInfo> kept = newestFirst.Take(policy.KeepLast)
            .Concat(newestFirst.Where(snapshot => policy.KeepWithin > TimeSpan.Zero && snapshot.Time.UtcDateTime >= newest - policy.KeepWithin))
            .Concat(NewestOfLast(policy.KeepHourly, time => (time.Date, time.Hour)))
            .Concat(NewestOfLast(policy.KeepDaily, time => time.Date))
            .Concat(NewestOfLast(policy.KeepWeekly, time => (ISOWeek.GetYear(time), ISOWeek.GetWeekOfYear(time))))
            .Concat(NewestOfLast(policy.KeepMonthly, time => (time.Year, time.Month)));
        foreach (KeepEvery rule in policy.KeepEvery)
        {
            kept = kept.Concat(newestFirst.Where(snapshot => rule.For is not { } limit || snapshot.Time.UtcDateTime >= newest - limit)
                .GroupBy(snapshot => snapshot.Time.UtcTicks / rule.Every.Ticks).Select(slot => slot.First()));
        }
        return kept.Select(snapshot => snapshot.Id);
    }

    private static SnapshotInfo[] Snapshots(Random random)
    {
        var start = new DateTime(random.Next(2019, 2030), random.Next(1, 13), 1, 0, 0, 0, DateTimeKind.Utc);
        TimeSpan span = random.Next(3) switch { 0 => TimeSpan.FromHours(6), 1 => TimeSpan.FromDays(40), _ => TimeSpan.FromDays(900) };
        return [.. Enumerable.Range(1, random.Next(1, 40)).Select(i =>
        {
            DateTime time = start.AddTicks((long)(random.NextDouble() * span.Ticks));
            time = random.Next(6) switch
            {
                0 => time.Date,
                1 => time.Date.AddTicks(-1),
                2 => new DateTime(time.Year, time.Month, 1, 0, 0, 0, DateTimeKind.Utc).AddTicks(-random.Next(2)),
                3 => time.Date.AddHours(time.Hour).AddTicks(-random.Next(2)),
                4 => new DateTime(time.Year, 12, 28, 0, 0, 0, DateTimeKind.Utc).AddDays(random.Next(8)),
                _ => time,
            };
            return At(i, new DateTimeOffset(time, TimeSpan.Zero));
        }).OrderBy(_ => random.Next())];
    }

    private static SnapshotInfo At(int number, DateTimeOffset time) =>
        new(new SnapshotId((UInt128)number), (ulong)number, "web", SnapshotId.None, time, new SnapshotStatistics(), default);

    private static RetentionPolicy Policy(Random random)
    {
        int Count() => random.Next(4) == 0 ? random.Next(1, 5) : 0;
        TimeSpan Long() => TimeSpan.FromSeconds(Math.Pow(10, random.NextDouble() * 7));
        return new RetentionPolicy
        {
            KeepLast = Count(),
            KeepWithin = random.Next(4) == 0 ? Long() : TimeSpan.Zero,
            KeepEvery = [.. Enumerable.Range(0, random.Next(3) == 0 ? random.Next(1, 3) : 0).Select(_ => new KeepEvery(Long(), random.Next(2) == 0 ? Long() : null))],
            KeepHourly = Count(),
            KeepDaily = Count(),
            KeepWeekly = Count(),
            KeepMonthly = Count(),
            KeepTagged = random.Next(10) == 0,
        };
    }
}

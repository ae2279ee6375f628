using Snap.Testing;

namespace Snap.Dumper.Tests;

public sealed class PauseGoalTests
{
    // At any speed there is, these take longer than an hour, and less than a microsecond.
    private const ulong Huge = 1UL << 60, Little = 4096;

    private static readonly TimeSpan _hour = TimeSpan.FromHours(1);

    [Fact]
    public void Another_live_pass_is_worth_it_while_each_leaves_less()
    {
        PauseGoal goal = Begun(_hour);
        Assert.True(goal.IsBetterLater(Huge));
        goal.Begin(TimeSpan.Zero);
        Assert.True(goal.IsBetterLater(Huge / 2));
        goal.Begin(TimeSpan.Zero);
        Assert.False(goal.IsBetterLater(Huge / 2));
    }

    [Fact]
    public void What_meets_the_goal_or_can_not_meet_it_is_copied_at_once()
    {
        Assert.False(Begun(_hour).IsBetterLater(Little));
        Assert.False(Begun(TimeSpan.Zero).IsBetterLater(Huge));
        Assert.False(Begun(null).IsBetterLater(Huge));
    }

    [Fact]
    public void A_goal_is_missed_by_the_last_freeze_alone()
    {
        PauseGoal goal = Begun(TimeSpan.FromMilliseconds(2.5));
        goal.Begin(TimeSpan.FromMilliseconds(8));
        Assert.Null(goal.NoticeIfMissed(TimeSpan.FromMilliseconds(10)));
        Assert.Equal("the pause was longer than the 2.5 ms that were asked for", goal.NoticeIfMissed(TimeSpan.FromMilliseconds(11)));
    }

    /// <summary>What passed before the pages were counted, live passes among it, is no time of the copy.</summary>
    [Fact]
    public void Only_the_copy_itself_tells_how_fast_copying_is()
    {
        PauseGoal goal = Begun(_hour);
        double before = goal.Speed;
        long start = Environment.TickCount64;
        Patience.Until(() => Environment.TickCount64 > start + 20, "a moment to pass");
        goal.Counted();
        goal.Copied(Huge);
        Assert.InRange(goal.Speed, before, double.MaxValue);
    }

    private static PauseGoal Begun(TimeSpan? limit)
    {
        var goal = new PauseGoal();
        goal.Set(limit);
        goal.Begin(TimeSpan.Zero);
        goal.Counted();
        return goal;
    }
}

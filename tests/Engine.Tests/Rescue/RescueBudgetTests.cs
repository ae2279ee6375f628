using Snap.Engine.Rescue;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;

namespace Snap.Engine.Tests.Rescue;

public sealed class RescueBudgetTests
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(3);

    [Theory]
    [InlineData(0 << 8, false)]
    [InlineData(1 << 8, true)]
    [InlineData(255 << 8, true)]
    [InlineData(134 << 8, true)]
    [InlineData(143 << 8, false)]
    [InlineData(130 << 8, false)]
    [InlineData(Signal.SIGKILL, true)]
    [InlineData(Signal.SIGSEGV | 0x80, true)]
    [InlineData(Signal.SIGABRT, true)]
    [InlineData(Signal.SIGTERM, false)]
    [InlineData(Signal.SIGINT, false)]
    [InlineData(Signal.SIGQUIT | 0x80, false)]
    [InlineData(Signal.SIGHUP, false)]
    public void What_failed_is_brought_back_and_what_was_ended_on_purpose_is_not(int status, bool isFailure) =>
        Assert.Equal(isFailure, RescueBudget.IsFailure(new WaitStatus(status)));

    [Fact]
    public void Each_attempt_waits_twice_as_long_up_to_a_bound_and_there_are_only_so_many()
    {
        var budget = new RescueBudget(new RescueOptions { Limit = 9 });
        var seconds = new List<double>();
        while (budget.TryNext(_soon, out TimeSpan delay))
            seconds.Add(delay.TotalSeconds);
        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60, 60], seconds);
        Assert.Equal(9, budget.Attempts);
        Assert.False(budget.TryNext(_soon, out _));
    }

    [Fact]
    public void One_that_ran_well_begins_a_new_row()
    {
        var budget = new RescueBudget(new RescueOptions { Limit = 2 });
        Assert.True(budget.TryNext(_soon, out _));
        Assert.True(budget.TryNext(_soon, out _));
        Assert.True(budget.TryNext(TimeSpan.FromMinutes(1), out TimeSpan delay));
        Assert.Equal((1, TimeSpan.FromSeconds(1)), (budget.Attempts, delay));
        Assert.True(budget.TryNext(_soon, out _));
        Assert.False(budget.TryNext(_soon, out _));
    }

    /// <summary>However many there may be, no wait overflows.</summary>
    [Fact]
    public void Ten_thousand_attempts_have_bounded_waits()
    {
        var budget = new RescueBudget(new RescueOptions { Limit = 10_000 });
        for (int i = 0; i < 10_000; i++)
        {
            Assert.True(budget.TryNext(TimeSpan.Zero, out TimeSpan delay));
            Assert.InRange(delay, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        }
    }
}

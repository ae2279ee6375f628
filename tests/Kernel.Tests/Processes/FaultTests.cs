using Snap.Kernel.Processes;

namespace Snap.Kernel.Tests.Processes;

public sealed class FaultTests
{
    [Fact]
    public void Text_names_point_pass_and_action()
    {
        Fault.Armed[]? armed = Fault.Parse("Inject:3:kill,Commit:1:full");
        Assert.NotNull(armed);
        Assert.Equal([(FaultPoint.Inject, 3, "kill"), (FaultPoint.Commit, 1, "full")], armed.Select(one => (one.Point, one.PassesLeft, one.Action)));
    }

    [Fact]
    public void Nothing_is_armed_without_text() => Assert.Null(Fault.Parse(""));

    [Theory]
    [InlineData("Inject")]
    [InlineData("Inject:0:kill")]
    [InlineData("Nowhere:1:kill")]
    [InlineData("Inject:1:explode")]
    public void A_spelling_mistake_is_an_error(string text) => Assert.Throws<FormatException>(() => Fault.Parse(text));

    [Fact]
    public void An_armed_failure_carries_its_errno() =>
        Assert.Equal(Snap.Kernel.Abi.Errno.ENOSPC, Assert.Throws<KernelException>(() => Fault.Parse("Commit:1:full")![0].Act()).Errno);
}

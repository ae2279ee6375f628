using Snap.Image;

namespace Snap.Dumper.Tests;

public sealed class SpaceTableTests
{
    /// <summary>Else its pages would be given in one space, and the image name another once the removal is durable.</summary>
    [Fact]
    public void A_pid_that_is_given_again_gets_a_space_of_its_own_while_the_removal_of_the_first_is_under_way()
    {
        var table = new SpaceTable([]);
        table.Begin();
        SpaceId first = table.AddressSpace(100);
        table.End(1);
        table.Committed(1);
        table.Begin();
        table.AddressSpace(1);
        table.End(2);
        table.Begin();
        SpaceId second = table.Reserve(100);
        Assert.NotEqual(first, second);
        table.Committed(2);
        Assert.Equal(second, table.AddressSpace(100));
        Assert.DoesNotContain(second, table.Removed);
    }
}

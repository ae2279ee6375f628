using Snap.Examples;

namespace Snap.Store.Tests;

/// <summary>The library's example does what it says.</summary>
public sealed class ExampleTests
{
    [Fact]
    public void Versioned_pages_come_back_by_tag_and_by_name()
    {
        using var directory = new TemporaryDirectory();
        var output = new StringWriter { NewLine = "\n" };
        VersionedPages.Run(directory.Store, output);
        Assert.Equal(
            """
            the second version added 1 page, the third 0
            2 of 3 versions stay
            harvest: apples, pears, plums
            fruit: apples, pears, plums
            the store is whole

            """, output.ToString());
    }
}

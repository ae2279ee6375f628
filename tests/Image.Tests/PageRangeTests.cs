namespace Snap.Image.Tests;

public sealed class PageRangeTests
{
    [Fact]
    public void A_range_of_bytes_is_the_pages_that_hold_them()
    {
        PageRange range = PageRange.FromBytes(0x7f3a1000, 0x7f3a3000);
        Assert.Equal(new PageRange(0x7f3a1, 2), range);
        Assert.Equal(0x7f3a3UL, range.End);
        Assert.Equal("7f3a1000-7f3a3000", range.ToString());
    }

    [Fact]
    public void The_end_is_not_inside_and_an_empty_range_holds_nothing()
    {
        var range = new PageRange(5, 3);
        Assert.Equal([false, true, true, true, false], new ulong[] { 4, 5, 6, 7, 8 }.Select(range.Contains));
        Assert.False(new PageRange(5, 0).Contains(5));
        Assert.False(range.Contains(0));
    }
}

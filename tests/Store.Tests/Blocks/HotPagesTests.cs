using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Format;

namespace Snap.Store.Tests.Blocks;

public sealed class HotPagesTests
{
    [Fact]
    public void Only_the_last_used_pages_stay_and_each_keeps_its_bytes()
    {
        const int Capacity = 300;
        var pages = new HotPages(Capacity * (PageRange.PageSize + 200));
        for (uint i = 0; i < 1000; i++)
        {
            pages.Add(Page(i));
            if (i % 7 == 0)
                pages.Remove(new SlotAddress(1, i / 2));
            Assert.Equal(0, Find(pages, 1) ?? 0);
        }
        int found = 0;
        for (uint i = 2; i < 1000; i++)
        {
            if (Find(pages, i) is { } bytes)
            {
                Assert.Equal((byte)(i * 31), bytes);
                found++;
            }
        }
        Assert.InRange(found, Capacity * 9 / 10, Capacity);
        pages.RemoveWhere(address => address.Slot % 2 == 0);
        Assert.Null(Find(pages, 998));
        Assert.NotNull(Find(pages, 999));
    }

    // A page that was found stays as it was, whatever comes to its place.
    [Fact]
    public void A_found_page_is_a_copy()
    {
        var pages = new HotPages(1 * (PageRange.PageSize + 200));
        using var pins = new PagePins();
        pages.Add(Page(1));
        PageVersion found = pages.Find(new SlotAddress(1, 1), pins)!;
        pages.Add(Page(2));
        Assert.Null(pages.Find(new SlotAddress(1, 1), pins));
        Assert.Equal(31, found.Bytes.Span[5]);
    }

    private static byte? Find(HotPages pages, uint slot)
    {
        using var pins = new PagePins();
        if (pages.Find(new SlotAddress(1, slot), pins) is not { } page)
            return null;
        Assert.False(page.Bytes.Span.ContainsAnyExcept(page.Bytes.Span[0]));
        return slot == 1 ? (byte)0 : page.Bytes.Span[0];
    }

    private static PageVersion Page(uint slot)
    {
        byte[] bytes = new byte[PageRange.PageSize];
        bytes.AsSpan().Fill((byte)(slot * 31));
        return new PageVersion(new SlotAddress(1, slot), bytes, slot, 0, new BlockHead(BlockEncoding.Raw, 1, slot, PageRange.PageSize, 0, default), 0);
    }
}

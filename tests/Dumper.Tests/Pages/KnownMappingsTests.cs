using System.Globalization;
using System.Text;
using Snap.Dumper.Pages;
using Snap.Image;
using Snap.Kernel.Procfs;
using Xunit.Abstractions;

namespace Snap.Dumper.Tests.Pages;

/// <summary>Random lists of mappings against a plain dictionary from page to what backs it. SNAP_SEED repeats one.</summary>
public sealed class KnownMappingsTests(ITestOutputHelper output)
{
    private const ulong Pages = 60;

    [Fact]
    public void It_tells_which_pages_went_and_which_came_as_a_plain_dictionary_would()
    {
        int first = PageSeeds.First(output);
        List<PageRange> gone = [], fresh = [];
        for (int seed = first; seed < first + 400; seed++)
        {
            var random = new Random(seed);
            var known = new KnownMappings();
            Dictionary<ulong, string> before = [];
            for (int step = 0; step < 12; step++)
            {
                List<MapsEntry> mappings = RandomMappings(random);
                Dictionary<ulong, string> now = Backing(mappings);
                known.Update(mappings, gone, fresh);
                AssertPages(before.Where(page => !now.TryGetValue(page.Key, out string? backing) || backing != page.Value), gone, $"gone, seed {seed}, step {step}");
                AssertPages(now.Where(page => !before.ContainsKey(page.Key)), fresh, $"fresh, seed {seed}, step {step}");
                before = now;
            }
        }
    }

    private static void AssertPages(IEnumerable<KeyValuePair<ulong, string>> expected, List<PageRange> told, string what)
    {
        List<ulong> pages = [.. told.SelectMany(PageSeeds.PagesOf)];
        Assert.True(pages.Count == pages.Distinct().Count(), $"{what}: a page is told twice");
        Assert.True(expected.Select(page => page.Key).Order().SequenceEqual(pages.Order()), what);
    }

    // What lies at each page that is looked after: nothing of its own for anonymous memory, else the page of the file.
    private static Dictionary<ulong, string> Backing(List<MapsEntry> mappings)
    {
        Dictionary<ulong, string> pages = [];
        foreach (MapsEntry entry in mappings.Where(entry => KnownMappings.IsTracked(entry)))
        {
            PageRange range = PageRange.FromBytes(entry.Start, entry.End);
            foreach (ulong page in PageSeeds.PagesOf(range))
                pages[page] = entry.Inode == 0 ? "anonymous" : $"{entry.Inode} {(entry.Offset >> PageRange.PageShift) + page - range.First}";
        }

        return pages;
    }

    private static List<MapsEntry> RandomMappings(Random random)
    {
        var text = new StringBuilder();
        ulong offset = (ulong)random.Next(3);
        for (ulong page = (ulong)random.Next(4); page < Pages;)
        {
            ulong end = page + 1 + (ulong)random.Next(random.Next(2) == 0 ? 3 : 20);
            int inode = random.Next(3);
            // Mostly the same page of the file at the same address, as when a mapping is split or grows.
            ulong filePage = inode == 0 ? 0 : random.Next(4) == 0 ? (ulong)random.Next(5) : page + offset;
            char sharing = random.Next(6) == 0 ? 's' : 'p';
            text.Append(CultureInfo.InvariantCulture, $"{page << 12:x}-{end << 12:x} rw-{sharing} {filePage << 12:x8} 00:{(inode == 0 ? 0 : 1):x2} {inode} {(inode == 0 ? "" : "/file")}\n");
            page = end + (random.Next(2) == 0 ? 0 : (ulong)random.Next(6));
        }

        List<MapsEntry> entries = [];
        new MapsParser().Parse(Encoding.ASCII.GetBytes(text.ToString()), entries);
        return entries;
    }
}

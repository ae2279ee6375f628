using System.Globalization;
using Snap.Image;
using Xunit.Abstractions;

namespace Snap.Dumper.Tests.Pages;

/// <summary>Seeds and random ranges of the property tests of this folder.</summary>
internal static class PageSeeds
{
    /// <summary>The first seed: SNAP_SEED, else by the clock. It is printed.</summary>
    public static int First(ITestOutputHelper output)
    {
        int seed = Environment.GetEnvironmentVariable("SNAP_SEED") is { } text
            ? int.Parse(text, CultureInfo.InvariantCulture) : Environment.TickCount & 0xFFFFFF;
        output.WriteLine($"seed {seed}");
        return seed;
    }

    public static PageRange Range(Random random, ulong pages)
    {
        ulong first = (ulong)random.NextInt64((long)pages);
        return new PageRange(first, (ulong)random.NextInt64(random.Next(2) == 0 ? 4 : (long)(pages - first + 1)));
    }

    public static IEnumerable<ulong> PagesOf(PageRange range)
    {
        for (ulong page = range.First; page < range.End; page++)
            yield return page;
    }
}

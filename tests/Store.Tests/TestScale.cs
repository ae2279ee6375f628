using System.Globalization;

namespace Snap.Store.Tests;

/// <summary>How much random tests do: SNAP_TEST_SCALE (1) multiplies histories and samples, SNAP_TEST_SEED names the first seed.</summary>
internal static class TestScale
{
    /// <summary>1 by default, so that the whole project takes a minute or two; at 10 and more nothing is left to sampling.</summary>
    public static int Value { get; } = Number("SNAP_TEST_SCALE") is { } scale and > 0 ? scale : 1;

    /// <summary>True if random choices of images and places give way to all of them.</summary>
    public static bool IsExhaustive => Value >= 10;

    /// <summary>Seeds of a theory; each is part of its test's name.</summary>
    public static TheoryData<int> Seeds(int first, int count)
    {
        var seeds = new TheoryData<int>();
        int start = Number("SNAP_TEST_SEED") ?? first;
        for (int i = 0; i < count * Value; i++)
            seeds.Add(start + i);
        return seeds;
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}

namespace Snap.Bench;

/// <summary>Where images lie: <c>DIR/vN/NAME.img</c> and <c>.map</c>.</summary>
internal static class ImageFiles
{
    public static string PathOf(string directory, int version, string name) => Path.Combine(directory, $"v{version}", name);

    /// <summary>Names of the programs whose images there are.</summary>
    public static string[] Names(string directory) =>
        [.. Directory.EnumerateFiles(Path.Combine(directory, "v1"), "*.img").Select(path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal)];
}

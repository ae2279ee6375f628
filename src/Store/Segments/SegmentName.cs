using System.Globalization;

namespace Snap.Store.Segments;

/// <summary>File names of segments: <c>segments/0000002a.1</c>, segment in hex, generation in decimal.</summary>
internal static class SegmentName
{
    public const string Directory = "segments";

    public static string Of(uint segment, uint generation) =>
        string.Create(CultureInfo.InvariantCulture, $"{Directory}/{segment:x8}.{generation}");

    public static bool TryParse(string fileName, out uint segment, out uint generation)
    {
        generation = 0;
        segment = 0;
        return fileName.Length > 9 && fileName[8] == '.'
            && uint.TryParse(fileName.AsSpan(0, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out segment)
            && uint.TryParse(fileName.AsSpan(9), NumberStyles.None, CultureInfo.InvariantCulture, out generation)
            && segment > 0 && generation > 0 && Of(segment, generation) == $"{Directory}/{fileName}";
    }
}

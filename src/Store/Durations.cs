using System.Globalization;

namespace Snap.Store;

/// <summary>Durations as people write them: <c>200ms</c>, <c>1s</c>, <c>5m</c>, <c>2h</c>, <c>7d</c>, <c>1.5s</c>.</summary>
public static class Durations
{
    /// <summary>Reads one; false if it isn't one, or is over 10,000 days.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        int digits = 0;
        while (digits < text.Length && (char.IsAsciiDigit(text[digits]) || text[digits] == '.'))
            digits++;
        double unit = text[digits..] switch { "ms" => 0.001, "s" => 1, "m" => 60, "h" => 3600, "d" => 86400, "w" => 7 * 86400, _ => 0 };
        if (unit == 0 || !double.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)
            || count * unit > 10_000 * 86400d)
            return false;
        duration = TimeSpan.FromSeconds(count * unit);
        return true;
    }

    /// <summary>Writes one in the largest unit that fits exactly, milliseconds at least.</summary>
    public static string Format(TimeSpan duration)
    {
        long milliseconds = (long)Math.Round(duration.TotalMilliseconds);
        foreach ((long unit, string name) in (ReadOnlySpan<(long, string)>)[(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")])
        {
            if (milliseconds > 0 && milliseconds % unit == 0)
                return string.Create(CultureInfo.InvariantCulture, $"{milliseconds / unit}{name}");
        }
        return string.Create(CultureInfo.InvariantCulture, $"{milliseconds}ms");
    }
}

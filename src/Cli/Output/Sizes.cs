using System.Globalization;

namespace Snap.Cli.Output;

/// <summary>Byte counts, times and pauses as people read them.</summary>
internal static class Sizes
{
    private static readonly string[] _units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary><c>812 B</c>, <c>4.2 KiB</c>, <c>17 MiB</c>.</summary>
    public static string Bytes(long count)
    {
        double value = count;
        int unit = 0;
        while (value >= 1024 && unit < _units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit == 0 || value >= 99.95
            ? string.Create(CultureInfo.InvariantCulture, $"{value:0} {_units[unit]}")
            : string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {_units[unit]}");
    }

    /// <summary><c>840 µs</c>, <c>2.3 ms</c>, <c>1.20 s</c>.</summary>
    public static string Microseconds(long count) => count switch
    {
        < 1000 => string.Create(CultureInfo.InvariantCulture, $"{count} µs"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1000.0:0.0} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{count / 1e6:0.00} s"),
    };

    /// <summary>A moment in local time: the time of day if it was today, else with its date.</summary>
    public static string Moment(DateTimeOffset time, DateTimeOffset now)
    {
        DateTimeOffset local = time.ToLocalTime();
        string format = local.Date == now.ToLocalTime().Date ? "HH:mm:ss.fff" : "yyyy-MM-dd HH:mm:ss";
        return local.ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>How long ago: <c>0.3s</c>, <c>12s</c>, <c>5m</c>, <c>3h</c>, <c>2d</c>.</summary>
    public static string Ago(TimeSpan span) => span switch
    {
        { TotalSeconds: < 10 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, span.TotalSeconds):0.0}s"),
        { TotalSeconds: < 120 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0}s"),
        { TotalMinutes: < 120 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0}m"),
        { TotalHours: < 48 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours:0}h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{span.TotalDays:0}d"),
    };
}

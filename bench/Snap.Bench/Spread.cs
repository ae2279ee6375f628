using System.Globalization;

namespace Snap.Bench;

/// <summary>A series of measurements, as it is printed: median, and what lies around it.</summary>
internal sealed class Spread
{
    private readonly List<double> _values = [];

    public double Median => At(0.5);

    public int Count => _values.Count;

    public void Add(double value) => _values.Add(value);

    public double At(double share)
    {
        var sorted = _values.Order().ToList();
        return sorted.Count == 0 ? double.NaN : sorted[(int)Math.Min(sorted.Count - 1, Math.Floor(share * sorted.Count))];
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Median:F2} (p10 {At(0.1):F2}, p90 {At(0.9):F2}, max {At(1):F2}, n {Count})");
}

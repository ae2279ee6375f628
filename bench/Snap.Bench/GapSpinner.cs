using System.Globalization;

namespace Snap.Bench;

/// <summary>The target: a process one thread of which knows the longest time that it was not running.</summary>
internal sealed class GapSpinner : IDisposable
{
    private readonly LineChild _child;

    public GapSpinner(string directory, int mebibytes, int dirtyPages, int intervalMs, int threads, bool isSequential = false) =>
        _child = LineChild.Start([BenchProgram.Compile(directory, "gap_spinner"), Text(mebibytes), Text(dirtyPages), Text(intervalMs), Text(threads), .. isSequential ? new[] { "s" } : []]);

    public int Pid => _child.Pid;

    /// <summary>Longest gap since the last question, microseconds.</summary>
    public double LongestGap() => double.Parse(_child.Ask(""), CultureInfo.InvariantCulture);

    public void Dispose() => _child.Dispose();

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}

using System.Diagnostics;
using System.Globalization;

namespace Snap.Bench.Overhead;

/// <summary>A program that says on request how many steps it has done.</summary>
internal sealed class CountingWorkload : Workload
{
    private readonly LineChild _child;

    public CountingWorkload(string name, params string[] command)
    {
        Name = name;
        _child = LineChild.Start(["taskset", "-c", Processor, .. command]);
    }

    public override string Name { get; }

    public override int Pid => _child.Pid;

    public override (double Throughput, double P99) Measure(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        double before = Steps();
        Thread.Sleep(time);
        double after = Steps();
        return ((after - before) / Stopwatch.GetElapsedTime(start).TotalSeconds, double.NaN);
    }

    public override void Dispose() => _child.Dispose();

    private double Steps() => double.Parse(_child.Ask(""), CultureInfo.InvariantCulture);
}

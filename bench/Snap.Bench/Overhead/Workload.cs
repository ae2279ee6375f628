namespace Snap.Bench.Overhead;

/// <summary>A real program at work on a processor of its own.</summary>
internal abstract class Workload : IDisposable
{
    /// <summary>The processor of the program. All of Snap, and clients, run on the other one.</summary>
    public const string Processor = "1";

    /// <summary>The processor of Snap and of clients.</summary>
    public const string OtherProcessor = "0";

    /// <summary>As the table names it.</summary>
    public abstract string Name { get; }

    /// <summary>Its process.</summary>
    public abstract int Pid { get; }

    /// <summary>What snap has to be told to watch it.</summary>
    public virtual string[] SnapArguments => [];

    /// <summary>Lets it work.</summary>
    /// <returns>Steps a second, and the 99th percentile of a request's time in microseconds; NaN where there are no requests.</returns>
    public abstract (double Throughput, double P99) Measure(TimeSpan time);

    /// <inheritdoc/>
    public abstract void Dispose();
}

namespace Snap.Cli.Output;

/// <summary>What demo prints; that it prints it at all means that the proof held.</summary>
internal sealed record DemoJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>The program's pid, before and after.</summary>
    public required int Pid { get; init; }
    /// <summary>python3 or sh.</summary>
    public required string Program { get; init; }
    /// <summary>Snapshots taken.</summary>
    public required int Snapshots { get; init; }
    /// <summary>Number of the one that was restored.</summary>
    public required ulong RestoredSeq { get; init; }
    /// <summary>Last step it had logged when it was killed.</summary>
    public required int KilledAfterStep { get; init; }
    /// <summary>First step it logged after the restore.</summary>
    public required int ContinuedWithStep { get; init; }
    /// <summary>Median pause.</summary>
    public required long MedianPauseMicroseconds { get; init; }
}

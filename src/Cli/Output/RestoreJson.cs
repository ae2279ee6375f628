namespace Snap.Cli.Output;

/// <summary>What restore prints.</summary>
internal sealed record RestoreJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>Pid of the restored root.</summary>
    public required int Pid { get; init; }
    /// <summary>The snapshot.</summary>
    public required string Id { get; init; }
    /// <summary>Its chain.</summary>
    public required string Name { get; init; }
    /// <summary>Its number there.</summary>
    public required ulong Seq { get; init; }
    /// <summary>With --wait: what it exited with, 128 + the signal if one killed it; else null.</summary>
    public int? ExitCode { get; init; }
    /// <summary>What could not be kept, one sentence each.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
}

/// <summary>What run prints when its program has ended.</summary>
internal sealed record RunJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>The chain; null if the program could never be captured.</summary>
    public required string? Name { get; init; }
    /// <summary>Pid the program had.</summary>
    public required int Pid { get; init; }
    /// <summary>What it exited with, 128 + the signal if one killed it.</summary>
    public required int ExitCode { get; init; }
    /// <summary>Snapshots taken.</summary>
    public required long Snapshots { get; init; }
    /// <summary>Ticks without a snapshot.</summary>
    public required long Missed { get; init; }
    /// <summary>Id of the newest; null if there is none.</summary>
    public required string? Last { get; init; }
}

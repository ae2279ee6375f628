namespace Snap.Cli.Output;

/// <summary>What check prints.</summary>
internal sealed record CheckJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>snap's version.</summary>
    public required string Version { get; init; }
    /// <summary>uname release.</summary>
    public required string Kernel { get; init; }
    /// <summary>The tracker that would be used.</summary>
    public required string Tracker { get; init; }
    /// <summary>Own processes can be snapshotted.</summary>
    public required bool CanCapture { get; init; }
    /// <summary>Snapshots can be restored under their old pids.</summary>
    public required bool CanRestore { get; init; }
    /// <summary>Everything that was probed.</summary>
    public required IReadOnlyList<CheckFindingJson> Findings { get; init; }
}

/// <summary>One thing that was probed.</summary>
internal sealed record CheckFindingJson
{
    /// <summary>A short name that doesn't change.</summary>
    public required string Feature { get; init; }
    /// <summary>It is there.</summary>
    public required bool Present { get; init; }
    /// <summary>What was found.</summary>
    public required string Detail { get; init; }
    /// <summary>What its absence costs, null if it is there.</summary>
    public required string? Cost { get; init; }
}

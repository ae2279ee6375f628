using Snap.Store;

namespace Snap.Cli.Output;

/// <summary>Which snapshot something is said of.</summary>
internal record SnapshotRefJson
{
    /// <summary>32 hex digits.</summary>
    public required string Id { get; init; }
    /// <summary>Its chain.</summary>
    public required string Name { get; init; }
    /// <summary>Its number there.</summary>
    public required ulong Seq { get; init; }
    /// <summary>ISO 8601, UTC.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Of a snapshot.</summary>
    public static SnapshotRefJson Of(SnapshotInfo snapshot) =>
        new() { Id = snapshot.Id.ToString(), Name = snapshot.Name, Seq = snapshot.Sequence, Time = snapshot.Time.ToUniversalTime() };
}

/// <summary>What rm prints.</summary>
internal sealed record RmJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>Nothing was changed.</summary>
    public required bool DryRun { get; init; }
    /// <summary>What was deleted, or would be.</summary>
    public required IReadOnlyList<SnapshotRefJson> Removed { get; init; }
}

/// <summary>What tag prints.</summary>
internal sealed record TagJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>The tag.</summary>
    public required string Tag { get; init; }
    /// <summary>What it names; null if it was removed.</summary>
    public required SnapshotRefJson? Snapshot { get; init; }
    /// <summary>The tag was removed.</summary>
    public required bool Deleted { get; init; }
}

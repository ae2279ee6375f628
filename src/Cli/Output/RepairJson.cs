using Snap.Store;

namespace Snap.Cli.Output;

/// <summary>What repair prints.</summary>
internal sealed record RepairJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>Nothing was changed.</summary>
    public required bool DryRun { get; init; }
    /// <summary>No damage is left.</summary>
    public required bool Whole { get; init; }
    /// <summary>The damage that was found.</summary>
    public required IReadOnlyList<FindingJson> Findings { get; init; }
    /// <summary>Snapshots that were hurt and are whole again.</summary>
    public required IReadOnlyList<SnapshotRefJson> Healed { get; init; }
    /// <summary>Snapshots that were deleted; with --dry-run those that are hurt.</summary>
    public required IReadOnlyList<SnapshotRefJson> Deleted { get; init; }
    /// <summary>Tags of those.</summary>
    public required IReadOnlyList<string> TagsLost { get; init; }
    /// <summary>Pages put back from elsewhere.</summary>
    public required long PagesHealed { get; init; }
    /// <summary>Segments written again.</summary>
    public required int SegmentsRewritten { get; init; }
    /// <summary>What else was done, one sentence each.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Of a report.</summary>
    public static RepairJson Of(RepairReport report, bool isDry) => new()
    {
        DryRun = isDry,
        Whole = (report.After ?? report.Before)?.IsWhole ?? false,
        Findings = [.. (report.Before?.Findings ?? []).Select(finding => FindingView.Of(finding, null))],
        Healed = [.. report.Healed.Select(SnapshotRefJson.Of)],
        Deleted = [.. report.Dropped.Select(SnapshotRefJson.Of)],
        TagsLost = report.TagsLost,
        PagesHealed = report.PagesHealed,
        SegmentsRewritten = report.SegmentsRewritten,
        Notes = report.Notes,
    };
}

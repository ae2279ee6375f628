using Snap.Store;

namespace Snap.Cli.Output;

/// <summary>What gc prints.</summary>
internal sealed record GcJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>Nothing was changed.</summary>
    public required bool DryRun { get; init; }
    /// <summary>Snapshots that stay.</summary>
    public required int Kept { get; init; }
    /// <summary>Snapshots that went, or would.</summary>
    public required int Deleted { get; init; }
    /// <summary>Every snapshot, oldest first, with its fate.</summary>
    public required IReadOnlyList<GcDecisionJson> Decisions { get; init; }
    /// <summary>Bytes of segments before.</summary>
    public required long BytesBefore { get; init; }
    /// <summary>And after.</summary>
    public required long BytesAfter { get; init; }
    /// <summary>Bytes written again to free others.</summary>
    public required long BytesRewritten { get; init; }
    /// <summary>Segments removed whole.</summary>
    public required int SegmentsRemoved { get; init; }
    /// <summary>Segments written again.</summary>
    public required int SegmentsRewritten { get; init; }
    /// <summary>Files that a reader still needs.</summary>
    public required int FilesLeased { get; init; }
    /// <summary>What could not be done, one sentence each.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>Of a report.</summary>
    public static GcJson Of(GarbageReport report, bool isDry) => new()
    {
        DryRun = isDry,
        Kept = report.Decisions.Count(decision => decision.IsKept),
        Deleted = report.Decisions.Count(decision => !decision.IsKept),
        Decisions = [.. report.Decisions.OrderBy(decision => decision.Snapshot.Time).Select(GcDecisionJson.Of)],
        BytesBefore = report.BytesBefore,
        BytesAfter = report.BytesAfter,
        BytesRewritten = report.BytesRewritten,
        SegmentsRemoved = report.SegmentsRemoved,
        SegmentsRewritten = report.SegmentsRewritten,
        FilesLeased = report.FilesLeased,
        Problems = report.Problems,
    };
}

/// <summary>What gc decided on one snapshot.</summary>
internal sealed record GcDecisionJson : SnapshotRefJson
{
    /// <summary>False if it goes.</summary>
    public required bool Kept { get; init; }
    /// <summary>The rule that keeps it, or why none does.</summary>
    public required string Reason { get; init; }

    /// <summary>Of a decision.</summary>
    public static GcDecisionJson Of(RetentionDecision decision)
    {
        SnapshotInfo snapshot = decision.Snapshot;
        return new GcDecisionJson
        {
            Id = snapshot.Id.ToString(), Name = snapshot.Name, Seq = snapshot.Sequence, Time = snapshot.Time.ToUniversalTime(), Kept = decision.IsKept, Reason = decision.Reason,
        };
    }
}

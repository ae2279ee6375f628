using Snap.Store;

namespace Snap.Cli.Output;

/// <summary>What verify prints.</summary>
internal sealed record VerifyJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>No damage was found.</summary>
    public required bool Whole { get; init; }
    /// <summary>Every byte was read.</summary>
    public required bool ReadData { get; init; }
    /// <summary>Snapshots looked at.</summary>
    public required int Snapshots { get; init; }
    /// <summary>Segments looked at.</summary>
    public required int Segments { get; init; }
    /// <summary>Records whose checksums were tested.</summary>
    public required long Records { get; init; }
    /// <summary>Bytes read.</summary>
    public required long Bytes { get; init; }
    /// <summary>Snapshots that can't be restored whole.</summary>
    public required IReadOnlyList<SnapshotRefJson> Damaged { get; init; }
    /// <summary>The damage.</summary>
    public required IReadOnlyList<FindingJson> Findings { get; init; }

    /// <summary>Of a report.</summary>
    public static VerifyJson Of(VerifyReport report, IReadOnlyList<FindingJson> findings, bool readData) => new()
    {
        Whole = report.IsWhole,
        ReadData = readData,
        Snapshots = report.Snapshots,
        Segments = report.Segments,
        Records = report.Records,
        Bytes = report.Bytes,
        Damaged = [.. report.Damaged.Select(SnapshotRefJson.Of)],
        Findings = findings,
    };
}

/// <summary>One finding of verify or repair.</summary>
internal sealed record FindingJson
{
    /// <summary>File and offset, or the place in a snapshot.</summary>
    public required string Where { get; init; }
    /// <summary>What is wrong there.</summary>
    public required string What { get; init; }
    /// <summary>Id of the snapshot that it hurts, if it is one's.</summary>
    public required string? Snapshot { get; init; }
    /// <summary>Process and address that it hurts, where they are known.</summary>
    public required string? Process { get; init; }
    /// <summary>Pages hurt.</summary>
    public required long Pages { get; init; }
}

using System.Text.Json.Serialization;
using Snap.Dumper.Host;
using Snap.Engine.Rescue;
using Snap.Store;

namespace Snap.Engine.Api;

/// <summary>Every answer that is no success.</summary>
internal sealed record ErrorAnswer(ErrorMessage Error);

/// <summary>POST /v1/remove.</summary>
internal sealed record RemoveAnswer(IReadOnlyList<SnapshotBody> Snapshots);

/// <summary>POST /v1/stop.</summary>
/// <param name="Pid">The engine that ends.</param>
/// <param name="Watches">Watches that end with it.</param>
internal sealed record StopAnswer(int Pid, int Watches);

/// <summary>A line of the answer to POST /v1/watches; one member is set.</summary>
internal sealed record WatchEvent
{
    /// <summary>The first line: names the watch.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Watch { get; init; }
    /// <summary>A snapshot was stored.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SnapshotBody? Snapshot { get; init; }
    /// <summary>About once a second.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public StatusBody? Status { get; init; }
    /// <summary>Applying retention rules failed; it is tried again.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorMessage? KeepFailure { get; init; }
    /// <summary>The target had failed, and was brought back.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RescuedBody? Rescued { get; init; }
    /// <summary>The command for gaps failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorMessage? GapFailure { get; init; }
    /// <summary>The last line of a watch that ended well: how.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WatchEnd? End { get; init; }
    /// <summary>With it: how the target ended, if that is known, as wait(2) tells it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Exit { get; init; }
    /// <summary>The last line of one that didn't.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorMessage? Error { get; init; }
}

/// <summary>A <see cref="RescuedTarget"/>.</summary>
/// <param name="Snapshot">From this one.</param>
/// <param name="Exit">How it had ended, as wait(2) tells it.</param>
/// <param name="Attempt">Of the row, from 1.</param>
/// <param name="Limit">Attempts there may be in a row.</param>
/// <param name="Notices">What differs from the original.</param>
internal sealed record RescuedBody(SnapshotBody Snapshot, int Exit, int Attempt, int Limit, IReadOnlyList<string> Notices)
{
    /// <summary>Of what happened.</summary>
    public static RescuedBody Of(RescuedTarget rescued) => new(SnapshotBody.Of(rescued.Snapshot), rescued.Exit.Raw, rescued.Attempt, rescued.Limit, rescued.Notices);

    /// <summary>What happened, again.</summary>
    public RescuedTarget ToTarget() => new(Snapshot.ToInfo(), new Kernel.Processes.WaitStatus(Exit), Attempt, Limit, Notices);
}

/// <summary>A line of the answer to POST /v1/gc; one member is set.</summary>
internal sealed record CollectEvent
{
    /// <summary>What is being done.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Progress { get; init; }
    /// <summary>The last line.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CollectReport? Report { get; init; }
    /// <summary>The last line, if it failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorMessage? Error { get; init; }
}

/// <summary>A <see cref="GarbageReport"/>.</summary>
internal sealed record CollectReport
{
    /// <summary>Every snapshot, with its fate.</summary>
    public required IReadOnlyList<DecisionBody> Decisions { get; init; }
    /// <summary>Bytes of segments before.</summary>
    public required long BytesBefore { get; init; }
    /// <summary>And after.</summary>
    public required long BytesAfter { get; init; }
    /// <summary>Bytes written again.</summary>
    public required long BytesRewritten { get; init; }
    /// <summary>Segments removed whole.</summary>
    public required int SegmentsRemoved { get; init; }
    /// <summary>Segments written again.</summary>
    public required int SegmentsRewritten { get; init; }
    /// <summary>Files that a reader still needs.</summary>
    public required int FilesLeased { get; init; }
    /// <summary>What could not be done.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>Of a report.</summary>
    public static CollectReport Of(GarbageReport report) => new()
    {
        Decisions = [.. report.Decisions.Select(decision => new DecisionBody(SnapshotBody.Of(decision.Snapshot), decision.IsKept, decision.Reason))],
        BytesBefore = report.BytesBefore, BytesAfter = report.BytesAfter, BytesRewritten = report.BytesRewritten, SegmentsRemoved = report.SegmentsRemoved,
        SegmentsRewritten = report.SegmentsRewritten, FilesLeased = report.FilesLeased, Problems = report.Problems,
    };

    /// <summary>The report again.</summary>
    public GarbageReport ToReport() => new()
    {
        Decisions = [.. Decisions.Select(decision => new RetentionDecision(decision.Snapshot.ToInfo(), decision.Kept, decision.Reason))],
        BytesBefore = BytesBefore, BytesAfter = BytesAfter, BytesRewritten = BytesRewritten, SegmentsRemoved = SegmentsRemoved,
        SegmentsRewritten = SegmentsRewritten, FilesLeased = FilesLeased, Problems = Problems,
    };
}

/// <summary>A <see cref="RetentionDecision"/>.</summary>
internal sealed record DecisionBody(SnapshotBody Snapshot, bool Kept, string Reason);

/// <summary>A <see cref="WatchStatus"/>.</summary>
internal sealed record StatusBody
{
    /// <summary>Root of the tree.</summary>
    public required int Pid { get; init; }
    /// <summary>The chain; null until it was captured once.</summary>
    public required string? Name { get; init; }
    /// <summary>Since the watch began.</summary>
    public required double ElapsedMilliseconds { get; init; }
    /// <summary>Snapshots stored.</summary>
    public required long Snapshots { get; init; }
    /// <summary>Ticks without one.</summary>
    public required long Missed { get; init; }
    /// <summary>Bytes added to the store.</summary>
    public required long BytesStored { get; init; }
    /// <summary>Pauses since the last status.</summary>
    public required IReadOnlyList<long> PausesMicroseconds { get; init; }
    /// <summary>The newest snapshot.</summary>
    public required SnapshotBody? Last { get; init; }
    /// <summary>Since when the target could not be captured.</summary>
    public required DateTimeOffset? NotCapturedSince { get; init; }
    /// <summary>Why not.</summary>
    public required ErrorMessage? Reason { get; init; }
    /// <summary>The store is full.</summary>
    public required bool WaitsForRoom { get; init; }

    /// <summary>Of a status.</summary>
    public static StatusBody Of(WatchStatus status) => new()
    {
        Pid = status.Pid, Name = status.Name, ElapsedMilliseconds = status.Elapsed.TotalMilliseconds, Snapshots = status.Snapshots, Missed = status.Missed,
        BytesStored = status.BytesStored, PausesMicroseconds = status.PausesMicroseconds, Last = status.Last is { } last ? SnapshotBody.Of(last) : null,
        NotCapturedSince = status.NotCapturedSince, Reason = status.Reason is { } reason ? ErrorMessage.Of(reason) : null, WaitsForRoom = status.WaitsForRoom,
    };

    /// <summary>The status again.</summary>
    public WatchStatus ToStatus() => new()
    {
        Pid = Pid, Name = Name, Elapsed = TimeSpan.FromMilliseconds(ElapsedMilliseconds), Snapshots = Snapshots, Missed = Missed, BytesStored = BytesStored,
        PausesMicroseconds = PausesMicroseconds, Last = Last?.ToInfo(), NotCapturedSince = NotCapturedSince, Reason = Reason?.ToException(), WaitsForRoom = WaitsForRoom,
    };
}

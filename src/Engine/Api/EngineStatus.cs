using Snap.Image;

namespace Snap.Engine.Api;

/// <summary>What an engine says of itself: GET /v1/engine.</summary>
public sealed record EngineStatus
{
    /// <summary>Its pid.</summary>
    public required int Pid { get; init; }
    /// <summary>Its version of Snap.</summary>
    public required string Version { get; init; }
    /// <summary>Version of the API.</summary>
    public required int Api { get; init; }
    /// <summary>The store's directory.</summary>
    public required string Store { get; init; }
    /// <summary>When it started.</summary>
    public required DateTimeOffset Since { get; init; }
    /// <summary>Processes that are tracked.</summary>
    public required int Tracked { get; init; }
    /// <summary>Watches under way.</summary>
    public required int Watches { get; init; }
    /// <summary>Snapshots it has stored.</summary>
    public required long Snapshots { get; init; }
    /// <summary>Seconds that it stays, and keeps a process tracked, after the last use.</summary>
    public required double LingerSeconds { get; init; }
    /// <summary>When it ends if nothing comes; null while something is tracked.</summary>
    public required DateTimeOffset? EndsAt { get; init; }
    /// <summary>Its log.</summary>
    public required string Log { get; init; }
}

/// <summary>A process that an engine tracks, or a watch of one: GET /v1/targets.</summary>
public sealed record TrackedTarget
{
    /// <summary>Root of the tree.</summary>
    public required int Pid { get; init; }
    /// <summary>The chain; null for a watch that has not captured it yet.</summary>
    public required string? Name { get; init; }
    /// <summary>Its command line.</summary>
    public required string Command { get; init; }
    /// <summary>Number of the watch; null: it was taken once, and stays tracked for the next take.</summary>
    public required long? Watch { get; init; }
    /// <summary>The watch goes on without its command.</summary>
    public required bool Detached { get; init; }
    /// <summary>Time from one snapshot to the next.</summary>
    public required double? EveryMilliseconds { get; init; }
    /// <summary>Since when it is tracked.</summary>
    public required DateTimeOffset Since { get; init; }
    /// <summary>How its dirty pages are found; null while no tracer is attached.</summary>
    public required TrackerKind? Tracker { get; init; }
    /// <summary>Pid of its tracer; 0 if none is running.</summary>
    public required int TracerPid { get; init; }
    /// <summary>Snapshots of the watch.</summary>
    public required long Snapshots { get; init; }
    /// <summary>Ticks of the watch without a snapshot.</summary>
    public required long Missed { get; init; }
    /// <summary>The newest snapshot.</summary>
    public required SnapshotId? Last { get; init; }
    /// <summary>Its moment.</summary>
    public required DateTimeOffset? LastTime { get; init; }
    /// <summary>Its pause.</summary>
    public required long? LastPauseMicroseconds { get; init; }
    /// <summary>Since when the target could not be captured; null while all is well.</summary>
    public required DateTimeOffset? NotCapturedSince { get; init; }
    /// <summary>Why not: id and first line of the error.</summary>
    public required string? Reason { get; init; }
    /// <summary>When the watch ended; null while it goes on.</summary>
    public required DateTimeOffset? EndedAt { get; init; }
    /// <summary>How it ended.</summary>
    public required string? End { get; init; }
}

using Snap.Engine.Api;

namespace Snap.Cli.Output;

/// <summary>A tracked process as ps, unwatch and watch --detach print it.</summary>
internal sealed record TargetJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>Root of the tree.</summary>
    public required int Pid { get; init; }
    /// <summary>The chain; null for a watch that has not captured it yet.</summary>
    public required string? Name { get; init; }
    /// <summary>Its command line.</summary>
    public required string Command { get; init; }
    /// <summary>watched, kept (tracked for the next take) or ended.</summary>
    public required string State { get; init; }
    /// <summary>Number of the watch; null without one.</summary>
    public required long? Watch { get; init; }
    /// <summary>The watch goes on without its command.</summary>
    public required bool Detached { get; init; }
    /// <summary>Time from one snapshot to the next.</summary>
    public required double? EveryMilliseconds { get; init; }
    /// <summary>Since when it is tracked.</summary>
    public required DateTimeOffset Since { get; init; }
    /// <summary>How its dirty pages are found; null while no tracer is attached.</summary>
    public required string? Tracker { get; init; }
    /// <summary>Pid of its tracer; 0 if none is running.</summary>
    public required int TracerPid { get; init; }
    /// <summary>Snapshots of the watch.</summary>
    public required long Snapshots { get; init; }
    /// <summary>Ticks of the watch without a snapshot.</summary>
    public required long Missed { get; init; }
    /// <summary>Id of the newest snapshot.</summary>
    public required string? Last { get; init; }
    /// <summary>Its moment.</summary>
    public required DateTimeOffset? LastTime { get; init; }
    /// <summary>Its pause.</summary>
    public required long? LastPauseMicroseconds { get; init; }
    /// <summary>Since when it could not be captured; null while all is well.</summary>
    public required DateTimeOffset? NotCapturedSince { get; init; }
    /// <summary>Why not.</summary>
    public required string? Reason { get; init; }
    /// <summary>When the watch ended; null while it goes on.</summary>
    public required DateTimeOffset? EndedAt { get; init; }
    /// <summary>How it ended.</summary>
    public required string? End { get; init; }

    /// <summary>Of what the engine says.</summary>
    public static TargetJson Of(TrackedTarget target) => new()
    {
        Pid = target.Pid,
        Name = target.Name,
        Command = target.Command,
        State = target.EndedAt is not null ? "ended" : target.Watch is not null ? "watched" : "kept",
        Watch = target.Watch,
        Detached = target.Detached,
        EveryMilliseconds = target.EveryMilliseconds,
        Since = target.Since.ToUniversalTime(),
        Tracker = target.Tracker is { } tracker ? CliJson.Word(tracker) : null,
        TracerPid = target.TracerPid,
        Snapshots = target.Snapshots,
        Missed = target.Missed,
        Last = target.Last?.ToString(),
        LastTime = target.LastTime?.ToUniversalTime(),
        LastPauseMicroseconds = target.LastPauseMicroseconds,
        NotCapturedSince = target.NotCapturedSince?.ToUniversalTime(),
        Reason = target.Reason,
        EndedAt = target.EndedAt?.ToUniversalTime(),
        End = target.End,
    };
}

using Snap.Restorer;
using Snap.Store;

namespace Snap.Engine.Api;

/// <summary>POST /v1/take.</summary>
internal sealed record TakeRequest
{
    /// <summary>Root of the tree.</summary>
    public required int Pid { get; init; }
    /// <summary>The chain; null: the engine chooses.</summary>
    public string? Name { get; init; }
    /// <summary>Whether the commit waits for the disk; null: it does.</summary>
    public Durability? Durability { get; init; }
    /// <summary>Memory that is to be in no snapshot, each a <see cref="Dumper.MemoryPattern"/>; null: none.</summary>
    public IReadOnlyList<string>? Exclude { get; init; }
    /// <summary>How long the target should stand still at most.</summary>
    public double? MaxPauseMilliseconds { get; init; }
}

/// <summary>POST /v1/watches.</summary>
internal sealed record WatchRequest
{
    /// <summary>Root of the tree.</summary>
    public required int Pid { get; init; }
    /// <summary>Time from one snapshot to the next.</summary>
    public required double EveryMilliseconds { get; init; }
    /// <summary>End after so many snapshots.</summary>
    public long? Count { get; init; }
    /// <summary>End after so long.</summary>
    public double? ForMilliseconds { get; init; }
    /// <summary>The chain; null: the engine chooses.</summary>
    public string? Name { get; init; }
    /// <summary>Whether commits wait for the disk; null: they do.</summary>
    public Durability? Durability { get; init; }
    /// <summary>Memory that is to be in no snapshot, each a <see cref="Dumper.MemoryPattern"/>; null: none.</summary>
    public IReadOnlyList<string>? Exclude { get; init; }
    /// <summary>How long the target should stand still at most.</summary>
    public double? MaxPauseMilliseconds { get; init; }
    /// <summary>Retention rules as <see cref="RetentionPolicy.Parse"/> reads them.</summary>
    public string? Keep { get; init; }
    /// <summary>Try again also if the target can't be captured at the beginning.</summary>
    public bool Retry { get; init; }
    /// <summary>Bring the target back from its last snapshot when it fails.</summary>
    public RescueRequest? OnExit { get; init; }
    /// <summary>A command for sh, run when the target can't be captured for a while.</summary>
    public string? OnGap { get; init; }
    /// <summary>Go on when the connection ends; the answer comes after the first attempt.</summary>
    public bool Detach { get; init; }
}

/// <summary>How a target that failed is brought back.</summary>
internal sealed record RescueRequest
{
    /// <summary>If files that it had open have changed since.</summary>
    public FilesPolicy Files { get; init; }
    /// <summary>Attempts in a row; null: as many as usual.</summary>
    public int? Limit { get; init; }
}

/// <summary>POST /v1/gc.</summary>
internal sealed record CollectRequest
{
    /// <summary>Rules for this run; null: each name's stored ones.</summary>
    public string? Policy { get; init; }
    /// <summary>Only this name's snapshots may go.</summary>
    public string? Name { get; init; }
    /// <summary>Delete the oldest until the store fits; 0: no limit.</summary>
    public long MaxBytes { get; init; }
    /// <summary>Allow a run that leaves no snapshot.</summary>
    public bool MayDeleteAll { get; init; }
    /// <summary>Change nothing.</summary>
    public bool DryRun { get; init; }
    /// <summary>Store the rules.</summary>
    public bool Save { get; init; }
}

/// <summary>POST /v1/remove.</summary>
internal sealed record RemoveRequest
{
    /// <summary>What names the snapshots.</summary>
    public required IReadOnlyList<string> References { get; init; }
    /// <summary>Change nothing.</summary>
    public bool DryRun { get; init; }
}

/// <summary>POST /v1/tags.</summary>
internal sealed record TagRequest
{
    /// <summary>What names the snapshot.</summary>
    public required string Reference { get; init; }
    /// <summary>The tag.</summary>
    public required string Tag { get; init; }
}

/// <summary>POST /v1/stop.</summary>
internal sealed record StopRequest
{
    /// <summary>Only if nothing is being watched and no other request is at work.</summary>
    public bool IfIdle { get; init; }
    /// <summary>Leave what is tracked, and detached watches, to the next engine; only if no other request is at work. An engine that doesn't know of it looks at <see cref="IfIdle"/>.</summary>
    public bool HandOver { get; init; }
}

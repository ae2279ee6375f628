using Snap.Image;
using Snap.Store;

namespace Snap.Engine;

/// <summary>How a watch is doing.</summary>
public sealed record WatchStatus
{
    /// <summary>Root of the tree.</summary>
    public required int Pid { get; init; }
    /// <summary>The chain; null until the first attach succeeded.</summary>
    public required string? Name { get; init; }
    /// <summary>Since the watch began.</summary>
    public required TimeSpan Elapsed { get; init; }
    /// <summary>Snapshots stored.</summary>
    public required long Snapshots { get; init; }
    /// <summary>Ticks at which nothing was stored: the encoder was behind, the target could not be captured, or the store failed.</summary>
    public required long Missed { get; init; }
    /// <summary>Bytes that the snapshots added to the store.</summary>
    public required long BytesStored { get; init; }
    /// <summary>Pauses of the snapshots since the last status, in microseconds, in their order.</summary>
    public required IReadOnlyList<long> PausesMicroseconds { get; init; }
    /// <summary>The newest snapshot of this watch.</summary>
    public required SnapshotInfo? Last { get; init; }
    /// <summary>Since when the target has not been captured; null while all is well.</summary>
    public required DateTimeOffset? NotCapturedSince { get; init; }
    /// <summary>Why not.</summary>
    public required SnapException? Reason { get; init; }
    /// <summary>The store is full: the watch waits for room.</summary>
    public required bool WaitsForRoom { get; init; }
}

/// <summary>How a watch ended.</summary>
public enum WatchEnd
{
    /// <summary>As many snapshots as were wanted.</summary>
    CountReached,
    /// <summary>The time is over.</summary>
    TimeOver,
    /// <summary>The caller stopped it.</summary>
    Cancelled,
    /// <summary>The target ended.</summary>
    TargetEnded,
}

/// <summary>What a watch came to.</summary>
/// <param name="End">How it ended.</param>
/// <param name="Status">The last status.</param>
/// <param name="TargetExit">For a target that ended, how: as <see cref="Kernel.Processes.WaitStatus"/> says it; null if only its parent knows.</param>
public sealed record WatchResult(WatchEnd End, WatchStatus Status, Kernel.Processes.WaitStatus? TargetExit);

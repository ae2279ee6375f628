using Snap.Image;
using Snap.Store;

namespace Snap.Engine;

/// <summary>A checkpoint under way.</summary>
public sealed class PendingSnapshot
{
    private readonly TaskCompletionSource<SnapshotInfo> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal PendingSnapshot(ulong interval, SnapshotId snapshot, long missedBefore, Durability? durability) =>
        (Interval, Snapshot, MissedBefore, Durability) = (interval, snapshot, missedBefore, durability);

    /// <summary>The snapshot, once it is durable; or the <see cref="SnapException"/> that says why there is none.</summary>
    public Task<SnapshotInfo> Completion => _completion.Task;

    internal ulong Interval { get; }

    /// <summary>What it will be named if it is stored.</summary>
    internal SnapshotId Snapshot { get; }

    internal long MissedBefore { get; }

    /// <summary>Whether its commit waits for the disk; null: as the store was opened.</summary>
    internal Durability? Durability { get; }

    /// <summary>The first thing that went wrong with storing it; its later pages are ignored.</summary>
    internal SnapException? Error { get; set; }

    /// <summary>It builds on one that could not be stored.</summary>
    internal bool IsDoomed { get; set; }

    /// <summary>Waits for it.</summary>
    /// <exception cref="SnapException">It could not be taken or stored.</exception>
    public SnapshotInfo Wait() => Completion.GetAwaiter().GetResult();

    internal void Succeed(SnapshotInfo snapshot) => _completion.TrySetResult(snapshot);

    internal void Fail(SnapException reason)
    {
        _completion.TrySetException(reason);
        // Whoever started it may never look: that is no unobserved failure.
        _ = _completion.Task.Exception;
    }
}

using Snap.Kernel.Processes;
using Snap.Store;

namespace Snap.Engine.Rescue;

/// <summary>A target that ended and was brought back.</summary>
/// <param name="Snapshot">From this one.</param>
/// <param name="Exit">How it had ended.</param>
/// <param name="Attempt">Of the row, from 1.</param>
/// <param name="Limit">Attempts there may be in a row.</param>
/// <param name="Notices">What differs from the original, one sentence each.</param>
public sealed record RescuedTarget(SnapshotInfo Snapshot, WaitStatus Exit, int Attempt, int Limit, IReadOnlyList<string> Notices)
{
    /// <summary>For people.</summary>
    public override string ToString() => FormattableString.Invariant($"the target {Exit.Past}; brought back from {Snapshot} (attempt {Attempt} of {Limit})");
}

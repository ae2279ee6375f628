namespace Snap.Store;

/// <summary>What gc does with a snapshot, and why.</summary>
/// <param name="Snapshot">The snapshot.</param>
/// <param name="IsKept">False if it goes.</param>
/// <param name="Reason">The rule that keeps it, or why none does.</param>
public sealed record RetentionDecision(SnapshotInfo Snapshot, bool IsKept, string Reason);

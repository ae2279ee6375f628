namespace Snap.Image;

/// <summary>A process of the tree that has ended and that its parent, inside the tree, hasn't waited for yet.</summary>
public sealed record ZombieImage
{
    /// <summary>Process id.</summary>
    public required int Pid { get; init; }
    /// <summary>Its parent, one of <see cref="SnapshotImage.Processes"/>.</summary>
    public required int ParentPid { get; init; }
    /// <summary>Process group.</summary>
    public required int ProcessGroup { get; init; }
    /// <summary>Session.</summary>
    public required int Session { get; init; }
    /// <summary>How it ended, as wait(2) gives it.</summary>
    public required int Status { get; init; }
    /// <summary>Signal that told its parent; 17 (SIGCHLD) for usual processes.</summary>
    public int ExitSignal { get; init; } = 17;
    /// <summary>Real user id, which waitid(2) tells.</summary>
    public uint UserId { get; init; }
    /// <summary>Name as ps shows it, lossless (Latin-1 for bytes that aren't UTF-8).</summary>
    public required string Name { get; init; }
}

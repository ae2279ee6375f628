namespace Snap.Image;

/// <summary>What is done to rebuild a tree of processes, in this order.</summary>
public enum TreeStepKind
{
    /// <summary>The parent makes the process; it is in its parent's session and group then.</summary>
    Create,
    /// <summary>setsid(2).</summary>
    StartSession,
    /// <summary>setpgid(2) to a group of its own.</summary>
    StartGroup,
    /// <summary>setpgid(2) to a group that exists.</summary>
    JoinGroup,
}

/// <summary>One step.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Pid">By or to which process.</param>
/// <param name="Other">The parent, or the group joined; else 0.</param>
public readonly record struct TreeStep(TreeStepKind Kind, int Pid, int Other = 0);

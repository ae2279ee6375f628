namespace Snap.Image;

/// <summary>Whose child a process is, and which group and session it is in.</summary>
public readonly record struct TreeNode(int Pid, int ParentPid, int ProcessGroup, int Session);

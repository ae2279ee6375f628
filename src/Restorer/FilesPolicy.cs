namespace Snap.Restorer;

/// <summary>What to do when a file that the process had open isn't what it was at the snapshot.</summary>
public enum FilesPolicy
{
    /// <summary>Refuse, and list the files.</summary>
    Fail,
    /// <summary>Go on with the files as they are now.</summary>
    Keep,
}

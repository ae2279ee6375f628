namespace Snap.Store;

/// <summary>What a commit waits for.</summary>
public enum Durability
{
    /// <summary>The disk: a snapshot that was reported survives a power cut.</summary>
    Sync,

    /// <summary>Nothing: a snapshot that was reported survives the end of every process, but a power cut may take the newest ones.
    /// Those that are left are whole.</summary>
    Relaxed,
}

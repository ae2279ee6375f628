namespace Snap.Image;

/// <summary>Exit codes of the <c>snap</c> command; every catalogued error has exactly one. docs/errors.md lists them.</summary>
public enum ExitCode
{
    /// <summary>Done.</summary>
    Success = 0,
    /// <summary>An error of Snap's own, or one with no code of its own.</summary>
    Internal = 1,
    /// <summary>The command line was wrong.</summary>
    Usage = 2,
    /// <summary>The target or the snapshot that was named doesn't exist.</summary>
    NotFound = 3,
    /// <summary>The target can't be captured; it was left as it was.</summary>
    Unsupported = 4,
    /// <summary>The kernel or the caller's rights don't allow it.</summary>
    NotPermitted = 5,
    /// <summary>The store is damaged, too new, or not a store.</summary>
    StoreDamaged = 6,
    /// <summary>The store, or the target, is in use by another.</summary>
    Busy = 7,
    /// <summary>No room, or the disk failed.</summary>
    Storage = 8,
    /// <summary>The snapshot can't be restored here and now; nothing was changed.</summary>
    CannotRestore = 9,
    /// <summary>The target ended, or could not be stopped in time, while it was being captured.</summary>
    TargetLost = 10,
}

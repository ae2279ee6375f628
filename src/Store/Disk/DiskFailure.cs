using Snap.Image;

namespace Snap.Store.Disk;

/// <summary>Turns an errno of a disk call into the user's error.</summary>
internal static class DiskFailure
{
    public const int EPERM = 1, ENOENT = 2, EINTR = 4, EIO = 5, EAGAIN = 11, EACCES = 13, EEXIST = 17, ENOTDIR = 20, ENOSPC = 28, EROFS = 30, EDQUOT = 122;

    /// <summary>The exception for <paramref name="verb"/> (an infinitive: "write to") having failed.</summary>
    public static SnapException Make(string verb, string path, int errno)
    {
        (ErrorKind kind, string why, string toDo) = errno switch
        {
            ENOSPC => (ErrorCatalogue.StoreFull, "ENOSPC: the file system is full", "free some space (snap gc drops old snapshots), then try again"),
            EDQUOT => (ErrorCatalogue.StoreFull, "EDQUOT: the disk quota is used up", "free some space (snap gc drops old snapshots), then try again"),
            EACCES => (ErrorCatalogue.StoreDenied, "EACCES: permission denied", "use the store as its owner, or choose another with --store"),
            EPERM => (ErrorCatalogue.StoreDenied, "EPERM: not permitted", "use the store as its owner, or choose another with --store"),
            EROFS => (ErrorCatalogue.StoreDenied, "EROFS: the file system is read-only", "remount it for writing, or choose another store with --store"),
            ENOENT => (ErrorCatalogue.StoreDamaged, "ENOENT: the file is gone", "run snap verify"),
            EIO => (ErrorCatalogue.StoreDisk, "EIO: the device reported an error", "look at the kernel's log, then run snap verify"),
            _ => (ErrorCatalogue.StoreDisk, $"errno {errno}", "look at the kernel's log, then run snap verify"),
        };
        return new SnapException(kind, $"cannot {verb} the store", path, why, toDo);
    }
}

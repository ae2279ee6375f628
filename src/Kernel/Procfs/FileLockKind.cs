namespace Snap.Kernel.Procfs;

/// <summary>How a lock was taken.</summary>
public enum FileLockKind : byte
{
    /// <summary>A word that isn't known.</summary>
    Other,
    /// <summary>fcntl F_SETLK: belongs to the process.</summary>
    Posix,
    /// <summary>fcntl F_OFD_SETLK: belongs to the open file description.</summary>
    OpenFileDescription,
    /// <summary>flock: belongs to the open file description.</summary>
    Flock,
    /// <summary>fcntl F_SETLEASE.</summary>
    Lease,
    /// <summary>A delegation of the NFS server.</summary>
    Delegation,
}

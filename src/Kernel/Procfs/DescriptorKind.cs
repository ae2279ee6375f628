namespace Snap.Kernel.Procfs;

/// <summary>What the link /proc/PID/fd/N says a descriptor is.</summary>
public enum DescriptorKind : byte
{
    /// <summary>A path: regular file, directory, device, named pipe; fstat tells which.</summary>
    Path,
    /// <summary><c>pipe:[inode]</c>.</summary>
    Pipe,
    /// <summary><c>socket:[inode]</c>.</summary>
    Socket,
    /// <summary><c>anon_inode:[eventfd]</c> and the like; older names lack the brackets (<c>anon_inode:inotify</c>).</summary>
    AnonymousInode,
    /// <summary><c>/memfd:NAME (deleted)</c>. A deleted file of that name in the root directory looks the same; fstat (a tmpfs) tells.</summary>
    Memfd,
    /// <summary><c>/dev/pts/N</c>: the terminal side of a pseudo terminal.</summary>
    PseudoTerminal,
    /// <summary><c>/dev/ptmx</c> or <c>/dev/pts/ptmx</c>: the master side.</summary>
    PseudoTerminalMaster,
    /// <summary><c>net:[inode]</c> and the like: an open namespace.</summary>
    Namespace,
    /// <summary>Anything else that isn't a path.</summary>
    Other,
}

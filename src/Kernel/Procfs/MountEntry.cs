namespace Snap.Kernel.Procfs;

/// <summary>A mount, as a line of mountinfo shows it.</summary>
public sealed record MountEntry
{
    /// <summary>Number of the mount: <c>mnt_id</c> of fdinfo. Numbers are used again after an unmount.</summary>
    public required int Id { get; init; }

    /// <summary>The mount that it is mounted on; its own number, or one not listed, for the top.</summary>
    public required int ParentId { get; init; }

    /// <summary>st_dev of its files, but for btrfs and overlays of several devices.</summary>
    public required DeviceNumber Device { get; init; }

    /// <summary>Which directory of the file system is mounted; not "/" for bind mounts. <c>net:[…]</c> for namespaces.</summary>
    public required string Root { get; init; }

    /// <summary>Where, as the task sees it from its root (<see cref="KernelText"/>).</summary>
    public required string MountPoint { get; init; }

    /// <summary>Options of the mount: <c>rw,noatime</c>.</summary>
    public required string Options { get; init; }

    /// <summary>Optional fields: <c>shared:5</c>, <c>master:1</c>.</summary>
    public required IReadOnlyList<string> Propagation { get; init; }

    /// <summary><c>ext4</c>, <c>tmpfs</c>, <c>fuse.sshfs</c>.</summary>
    public required string FileSystemType { get; init; }

    /// <summary>What is mounted, as the file system names it.</summary>
    public required string Source { get; init; }

    /// <summary>Options of the file system: <c>rw,size=64k</c>.</summary>
    public required string SuperOptions { get; init; }
}

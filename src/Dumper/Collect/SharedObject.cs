using Snap.Image;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Collect;

/// <summary>Memory that lies in an object of its own instead of the process's private pages: shared anonymous memory or a memfd, mapped or only open.</summary>
public sealed record SharedObject
{
    /// <summary>st_dev.</summary>
    public required ulong Device { get; init; }

    /// <summary>st_ino.</summary>
    public required ulong Inode { get; init; }

    /// <summary>Bytes; may be no multiple of the page size.</summary>
    public required ulong Length { get; init; }

    /// <summary>Shared anonymous memory or memfd.</summary>
    public required SpaceKind Kind { get; init; }

    /// <summary>Name of a memfd; null for shared anonymous memory.</summary>
    public string? Name { get; init; }

    /// <summary>F_GET_SEALS of a memfd.</summary>
    public int Seals { get; init; }

    /// <summary>Permission bits.</summary>
    public int Mode { get; init; }

    /// <summary>The process that has the descriptor and the mapping.</summary>
    public required int Pid { get; init; }

    /// <summary>A descriptor by which it is open there; -1 if it is only mapped.</summary>
    public int Descriptor { get; init; } = -1;

    /// <summary>A mapping of it, through which /proc/PID/map_files or the target's memory reaches it; null if it is only open.</summary>
    public MapsEntry? Mapping { get; init; }
}

namespace Snap.Kernel.Procfs;

/// <summary>One mapping of /proc/PID/smaps: a line of maps and what follows it. Sizes in bytes.</summary>
public sealed record SmapsEntry
{
    /// <summary>The mapping, as maps shows it.</summary>
    public required MapsEntry Mapping { get; init; }

    /// <summary>Resident bytes.</summary>
    public ulong Rss { get; init; }

    /// <summary>Resident bytes that belong to no file: anonymous, or private copies of file pages.</summary>
    public ulong Anonymous { get; init; }

    /// <summary>Bytes in transparent huge pages.</summary>
    public ulong AnonymousHugePages { get; init; }

    /// <summary>Bytes swapped out.</summary>
    public ulong Swap { get; init; }

    /// <summary>Bytes locked in memory.</summary>
    public ulong Locked { get; init; }

    /// <summary>Page size of the mapping's memory: 4096, or that of hugetlb.</summary>
    public ulong KernelPageSize { get; init; }

    /// <summary>Page size that the processor uses for it.</summary>
    public ulong MmuPageSize { get; init; }

    /// <summary>Protection key, or null where the processor has none.</summary>
    public int? ProtectionKey { get; init; }

    /// <summary>The known words of VmFlags.</summary>
    public VmFlags Flags { get; init; }

    /// <summary>Words of VmFlags that we don't know, a newer kernel's: whoever restores mappings has to report them.</summary>
    public IReadOnlyList<string> UnknownFlags { get; init; } = [];
}

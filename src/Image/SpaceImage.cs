namespace Snap.Image;

/// <summary>What a space of pages is.</summary>
public sealed record SpaceImage
{
    /// <summary>Its id, stable along the chain.</summary>
    public required SpaceId Id { get; init; }
    /// <summary>What it is.</summary>
    public required SpaceKind Kind { get; init; }
    /// <summary>For an address space: the pid of its process; else 0.</summary>
    public int Pid { get; init; }
    /// <summary>For an object: st_dev of the moment of the snapshot, to find it again at the next one.</summary>
    public ulong Device { get; init; }
    /// <summary>For an object: st_ino.</summary>
    public ulong Inode { get; init; }
    /// <summary>For an object: its length in bytes, maybe not a multiple of the page size.</summary>
    public ulong Length { get; init; }
    /// <summary>For a memfd: the name given to memfd_create.</summary>
    public string? Name { get; init; }
    /// <summary>For a memfd: F_GET_SEALS.</summary>
    public int Seals { get; init; }
    /// <summary>For a memfd: st_mode's permission bits.</summary>
    public int Mode { get; init; }
}

/// <summary>Kinds of space.</summary>
public enum SpaceKind
{
    /// <summary>Private pages of one process, by address.</summary>
    AddressSpace,
    /// <summary>mmap(MAP_SHARED|MAP_ANONYMOUS).</summary>
    SharedAnonymous,
    /// <summary>memfd_create(2).</summary>
    Memfd,
}

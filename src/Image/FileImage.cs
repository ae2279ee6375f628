namespace Snap.Image;

/// <summary>A file that memory or a descriptor names: by path, checked by content at restore.</summary>
public sealed record FileImage
{
    /// <summary>Absolute path in the target's mount namespace.</summary>
    public required string Path { get; init; }
    /// <summary>st_dev.</summary>
    public required ulong Device { get; init; }
    /// <summary>st_ino.</summary>
    public required ulong Inode { get; init; }
    /// <summary>st_mode.</summary>
    public required uint Mode { get; init; }
    /// <summary>st_size.</summary>
    public required ulong Length { get; init; }
    /// <summary>st_mtim in nanoseconds since the epoch.</summary>
    public required long ModifiedNanoseconds { get; init; }
    /// <summary>GNU build id in hex, for ELF files that have one.</summary>
    public string? BuildId { get; init; }
    /// <summary>True if it is mapped (then its content must be what it was), false if only a descriptor names it.</summary>
    public bool IsMapped { get; init; }
    /// <summary>True if a descriptor or shared mapping can write it.</summary>
    public bool IsWritable { get; init; }
}

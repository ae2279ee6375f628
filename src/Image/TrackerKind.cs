namespace Snap.Image;

/// <summary>How the pages written since the parent were found; design.md, "Dirty-tracking ladder".</summary>
public enum TrackerKind
{
    /// <summary>userfaultfd write-protect, asynchronous, read by PAGEMAP_SCAN (Linux 6.7).</summary>
    WriteProtect,
    /// <summary>The soft-dirty bit of /proc/PID/pagemap (CONFIG_MEM_SOFT_DIRTY).</summary>
    SoftDirty,
    /// <summary>Bytes of every present page against the parent's.</summary>
    Compare,
}

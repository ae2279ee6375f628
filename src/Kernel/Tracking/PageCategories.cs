using Snap.Kernel.Abi;

namespace Snap.Kernel.Tracking;

/// <summary>What PAGEMAP_SCAN knows of a page.</summary>
[Flags]
public enum PageCategories : ulong
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>Lies in a mapping registered for asynchronous write-protect.</summary>
    WriteProtectAllowed = Pagemap.PAGE_IS_WPALLOWED,
    /// <summary>Written since it was last protected; also never protected, or dropped.</summary>
    Written = Pagemap.PAGE_IS_WRITTEN,
    /// <summary>Belongs to a file or shared memory (asking costs ten times on anonymous memory).</summary>
    File = Pagemap.PAGE_IS_FILE,
    /// <summary>In memory.</summary>
    Present = Pagemap.PAGE_IS_PRESENT,
    /// <summary>Swapped out, migrating, or a left-over marker.</summary>
    Swapped = Pagemap.PAGE_IS_SWAPPED,
    /// <summary>The shared page of zeros.</summary>
    ZeroPage = Pagemap.PAGE_IS_PFNZERO,
    /// <summary>Mapped by a huge entry.</summary>
    Huge = Pagemap.PAGE_IS_HUGE,
    /// <summary>Its soft-dirty bit is set.</summary>
    SoftDirty = Pagemap.PAGE_IS_SOFT_DIRTY,
    /// <summary>A guard page of MADV_GUARD_INSTALL (Linux 6.15).</summary>
    Guard = Pagemap.PAGE_IS_GUARD,
}

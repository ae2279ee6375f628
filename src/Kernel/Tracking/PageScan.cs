namespace Snap.Kernel.Tracking;

/// <summary>What a scan looks for: a page matches if it has all of <see cref="Mask"/> and (unless none is given) one of <see cref="AnyOf"/>.</summary>
public readonly record struct PageScan
{
    /// <summary>Categories a page must have, after inversion.</summary>
    public PageCategories Mask { get; init; }
    /// <summary>Categories of which it must have one; none given: no condition.</summary>
    public PageCategories AnyOf { get; init; }
    /// <summary>Categories whose meaning is turned round.</summary>
    public PageCategories Inverted { get; init; }
    /// <summary>Categories that are returned.</summary>
    public PageCategories Return { get; init; }
    /// <summary>Write-protect what matches, in the same step as it is returned (PM_SCAN_WP_MATCHING).</summary>
    public bool Protect { get; init; }
    /// <summary>Fail with EPERM in a mapping that isn't registered, instead of passing over it (PM_SCAN_CHECK_WPASYNC).</summary>
    public bool RequireRegistered { get; init; }
}

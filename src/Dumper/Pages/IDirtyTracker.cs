using Snap.Image;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Pages;

/// <summary>Finds the pages of one address space that changed since it was last asked.</summary>
/// <remarks>
/// What it promises: after a scan of the frozen target, every page whose content (or presence) differs from what the earlier scans led a
/// reader to copy is in the changes. It may report more. Each scan forgets what it reports, so the caller owes those pages until stored.
/// </remarks>
internal interface IDirtyTracker : IDisposable
{
    /// <summary>Which rung of the ladder it is.</summary>
    TrackerKind Kind { get; }

    /// <summary>True if <see cref="ScanLive"/> may be used.</summary>
    bool HasLivePasses { get; }

    /// <summary>Scans while the target runs: <paramref name="mappings"/> may be out of date by the time they are scanned.</summary>
    void ScanLive(IReadOnlyList<MapsEntry> mappings, PageChanges changes);

    /// <summary>Scans while every thread stands still.</summary>
    void ScanFrozen(IReadOnlyList<MapsEntry> mappings, PageChanges changes);

    /// <summary>Tells what pages of one mapping are now, whether they changed or not: written, zero, or dropped.</summary>
    void Look(PageRange range, bool isFile, PageChanges changes);

    /// <summary>Called in the same pause, once everything that <see cref="ScanFrozen"/> reported was copied.</summary>
    void CopiedAssumeFrozen();
}

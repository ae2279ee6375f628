using Snap.Image;
using Snap.Restorer.Building;

namespace Snap.Restorer;

/// <summary>Brings the processes of a snapshot back to life.</summary>
public static class TreeRestorer
{
    /// <summary>Checks everything that a restore needs, and changes nothing.</summary>
    /// <exception cref="SnapException">S06xx: it can't be restored here and now; further reasons in <see cref="SnapException.Others"/>.</exception>
    public static void Check(SnapshotImage image, RestoreOptions options)
    {
        using RestorePlan plan = RestorePlan.Make(image, options);
    }

    /// <summary>Restores a process and its descendants under their old ids, and holds them stopped: see <see cref="RestoredProcess.Release"/>.</summary>
    /// <param name="image">What it was.</param>
    /// <param name="pages">What its memory held; needed until this returns.</param>
    /// <param name="options">How.</param>
    /// <exception cref="SnapException">S06xx, all reasons at once. Nothing is left running.</exception>
    /// <remarks>The root becomes a child of ours. A thread of its own traces them all; they die with us until they are released.</remarks>
    public static RestoredProcess Restore(SnapshotImage image, IPageSource pages, RestoreOptions options)
    {
        RestorePlan plan = RestorePlan.Make(image, options);
        return RestoredProcess.Build(plan, pages);
    }
}

using Snap.Dumper.Pages;
using Snap.Image;
using Snap.Kernel.Tracking;

namespace Snap.Dumper;

/// <summary>Which tracker this kernel and our rights allow, best first; found by trying, never by version.</summary>
public static class TrackerLadder
{
    /// <summary>The first that works, or <paramref name="wanted"/>.</summary>
    public static TrackerKind FirstOf(TrackerKind? wanted = null) =>
        wanted ?? (Userfaultfd.IsSupported ? TrackerKind.WriteProtect : After(TrackerKind.WriteProtect));

    /// <summary>The next one down the ladder that works.</summary>
    public static TrackerKind After(TrackerKind kind) =>
        kind == TrackerKind.WriteProtect && SoftDirty.IsSupported && PagemapTracker.SeesFrameNumbers ? TrackerKind.SoftDirty : TrackerKind.Compare;
}

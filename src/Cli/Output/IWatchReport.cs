using Snap.Engine;
using Snap.Engine.Rescue;
using Snap.Store;

namespace Snap.Cli.Output;

/// <summary>Shows how a watch is doing.</summary>
internal interface IWatchReport : IDisposable
{
    /// <summary>A snapshot was stored.</summary>
    void Snapshot(SnapshotInfo snapshot);

    /// <summary>The target had failed, and was brought back.</summary>
    void Rescued(RescuedTarget rescued);

    /// <summary>About once a second.</summary>
    void Status(WatchStatus status);

    /// <summary>The watch has ended well.</summary>
    void End(WatchResult result);
}

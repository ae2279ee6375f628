using Snap.Image;
using Snap.Store;

namespace Snap.Engine;

/// <summary>What commands ask of an engine: one in their own process (<see cref="LocalEngine"/>), or the store's own (<see cref="Client.RemoteEngine"/>).</summary>
public interface IEngine : IDisposable
{
    /// <summary>Takes one snapshot now.</summary>
    /// <exception cref="SnapException">It could not be taken or stored; the target is as it was.</exception>
    SnapshotInfo Take(TakeOptions options);

    /// <summary>Watches a process until an end is reached.</summary>
    /// <param name="pid">Root of the tree.</param>
    /// <param name="options">How; what it calls is called on the calling thread.</param>
    /// <param name="cancellation">Ends the watch in good order.</param>
    /// <exception cref="SnapException">As <see cref="WatchLoop.Run"/>.</exception>
    WatchResult Watch(int pid, WatchOptions options, CancellationToken cancellation);

    /// <summary>Deletes what no rule keeps, and gives space back.</summary>
    /// <exception cref="SnapException">The name is unknown, every snapshot would go, or the disk failed.</exception>
    GarbageReport Collect(CollectOptions options);

    /// <summary>Deletes snapshots.</summary>
    /// <param name="references">What names them.</param>
    /// <param name="dryRun">Only say which.</param>
    /// <returns>Those that are, or would be, deleted.</returns>
    /// <exception cref="SnapException">One isn't found, or is pinned; none is deleted then.</exception>
    IReadOnlyList<SnapshotInfo> Remove(IReadOnlyList<string> references, bool dryRun);

    /// <summary>Names a snapshot by a tag, which also pins it.</summary>
    /// <returns>The snapshot.</returns>
    /// <exception cref="SnapException">It isn't found, or the tag can't be used.</exception>
    SnapshotInfo Tag(string reference, string tag);

    /// <summary>Removes a tag.</summary>
    /// <exception cref="SnapException">S0510: there is none of this name.</exception>
    void Untag(string tag);
}

using Snap.Image;
using Snap.Restorer;
using Snap.Store;

namespace Snap.Engine;

/// <summary>Brings snapshots of a store back to life. Reads only: works while another process writes to the store.</summary>
public static class SnapshotRestore
{
    /// <summary>Restores a snapshot, holds it stopped (see <see cref="RestoredProcess.Release"/>), and remembers that the process comes from it.</summary>
    /// <param name="storeDirectory">The store's directory.</param>
    /// <param name="reader">The store.</param>
    /// <param name="snapshot">Which.</param>
    /// <param name="options">How.</param>
    /// <returns>The process, a child of ours under its old pid; its next snapshot will be an increment of this one.</returns>
    /// <exception cref="SnapException">It can't be restored; every reason is told. Nothing is left running.</exception>
    public static RestoredProcess Restore(string storeDirectory, StoreReader reader, SnapshotId snapshot, RestoreOptions options)
    {
        using SnapshotContent content = reader.OpenSnapshot(snapshot);
        RestoredProcess restored = TreeRestorer.Restore(ImageCodec.Decode(content.ReadImage()), new StoredPages(content), options);
        try
        {
            Remember(storeDirectory, restored.Pid, snapshot);
            return restored;
        }
        catch
        {
            restored.Dispose();
            throw;
        }
    }

    private static void Remember(string storeDirectory, int pid, SnapshotId snapshot)
    {
        if (TargetIdentity.OfOrGone(pid) is not { } identity)
            return;
        try
        {
            new RestoredRecords(storeDirectory).Add(identity, snapshot);
        }
        catch (Exception readOnly) when (readOnly is IOException or UnauthorizedAccessException)
        {
            // A store on read-only or full media restores all the same; the next snapshot of the process is then full.
        }
    }
}

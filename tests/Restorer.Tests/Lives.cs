using Snap.Image;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Testing;

namespace Snap.Restorer.Tests;

/// <summary>Takes a target, kills it, and brings it back.</summary>
internal static class Lives
{
    /// <summary>One generation: dump, kill, restore.</summary>
    /// <returns>What was taken.</returns>
    public static Capture Renew(TargetProcess target, RestoreOptions? options = null)
    {
        Capture taken = ProcessTable.ReadChildren(target.Pid) is { Count: > 0 } ? TreeCapture.Of(target.Pid) : Capture.Of(target.Pid);
        target.Kill();
        Restore(target, taken, options);
        return taken;
    }

    /// <summary>Brings a killed target back.</summary>
    public static void Restore(TargetProcess target, Capture taken, RestoreOptions? options = null)
    {
        // Through the codec, as a store would do it.
        SnapshotImage image = ImageCodec.Decode(ImageCodec.Encode(taken.Image));
        using RestoredProcess restored = TreeRestorer.Restore(image, taken.Pages, options ?? new RestoreOptions());
        ChildProcess child = restored.Child;
        restored.Release();
        target.Adopt(restored.Pid, child);
    }

    /// <summary>Starts a target, or skips the test where the machine hasn't what it shows.</summary>
    public static Target Start(string name, params string[] arguments)
    {
        try
        {
            return Target.Start(name, arguments);
        }
        catch (TargetUnavailableException missing)
        {
            throw new SkipException(missing.Message);
        }
    }
}

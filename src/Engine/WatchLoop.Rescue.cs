using Snap.Engine.Rescue;
using Snap.Image;
using Snap.Kernel.Processes;
using Snap.Restorer;
using Snap.Store;

namespace Snap.Engine;

/// <content>Bringing a target back that ended.</content>
public sealed partial class WatchLoop
{
    private RescueBudget? _budget;
    private ChildProcess? _rescued;
    private TimeSpan _runsSince;

    /// <summary>Where the kernel doesn't tell how a process ended that is nobody's child, one that is done would be run again.</summary>
    private void CheckRescue()
    {
        if (_options.OnExit is not null && !ProcessHandle.TellsExit)
            throw new SnapException(ErrorCatalogue.RescueUnsupported, "this watch couldn't know whether its target failed or was done", "--on-exit restore",
                "the kernel tells how a process ended only to its parent (before Linux 6.15)", "start the program with `snap run --on-exit restore`, which is its parent");
    }

    /// <returns>False if the target isn't to be brought back: it was done, there is no snapshot of it, or the watch was ended.</returns>
    /// <exception cref="SnapException">S0716: it has been tried as often as it may be.</exception>
    private bool TryBringBack(CancellationToken cancellation)
    {
        if (_options.OnExit is not { } options)
            return false;
        Drain();
        if (_target?.ReadExit() is not { } exit || !RescueBudget.IsFailure(exit) || (_lease?.Session.Last ?? _last) is not { } snapshot)
            return false;
        // Its pid has to be free.
        EndRescued();
        _lease?.Dispose();
        _lease = null;
        _budget ??= new RescueBudget(options);
        RescuedTarget? rescued = _budget.BringBack(snapshot, exit, _clock.Elapsed - _runsSince, cancellation.WaitHandle.WaitOne, () => BringBack(snapshot, options), Failed);
        if (rescued is null)
            return false;
        _runsSince = _clock.Elapsed;
        _options.OnRescued(rescued);
        return true;
    }

    private List<string> BringBack(SnapshotInfo snapshot, RescueOptions options)
    {
        using var files = new RescueFiles(_engine.StoreDirectory, snapshot.Name);
        using RestoredProcess restored = SnapshotRestore.Restore(_engine.StoreDirectory, _engine.Reader, snapshot.Id,
            new RestoreOptions { Files = options.Files, Stdio = files.Descriptors });
        ProcessHandle? handle = ProcessHandle.OpenOrGone(restored.Pid);
        restored.Release();
        _target?.Dispose();
        (_target, _rescued) = (handle, restored.Child);
        return [.. restored.Notices, $"output that led to a terminal or a pipe goes to {files.OutputPath} now"];
    }

    // It is our child, and stays a zombie until it is reaped, which the watch of the next owner can't do.
    private void EndRescued()
    {
        if (_rescued is null)
            return;
        if (_target is { HasExited: true })
            _rescued.Wait();
        else
            ReapLater(_rescued);
        _rescued = null;
    }

    private static void ReapLater(ChildProcess child) => new Thread(() => child.Wait()) { Name = "snap-reaper", IsBackground = true }.Start();
}

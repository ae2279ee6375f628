using System.Globalization;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Engine.Rescue;

/// <summary>Runs a command of the user's when a target can't be captured: once for each gap that lasts.</summary>
/// <param name="command">For sh -c. It finds SNAP_PID, SNAP_NAME, SNAP_SINCE, SNAP_ERROR (the error's id) and SNAP_REASON in its environment.</param>
/// <param name="tell">Told when it failed, on a thread of its own.</param>
internal sealed class GapHook(string command, Action<SnapException> tell)
{
    private DateTimeOffset? _told;
    private int _isRunning;

    /// <summary>What passes within this time is no gap yet: a child that hasn't executed its program, a debugger that looks for a moment.</summary>
    internal TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Looks whether a gap has begun.</summary>
    public void Look(WatchStatus status, DateTimeOffset now)
    {
        if (status is not { NotCapturedSince: { } since, Reason: { } reason } || since == _told || now - since < Patience || Interlocked.Exchange(ref _isRunning, 1) != 0)
            return;
        _told = since;
        var environment = new Dictionary<string, string?>
        {
            ["SNAP_PID"] = status.Pid.ToString(CultureInfo.InvariantCulture),
            ["SNAP_NAME"] = status.Name ?? "",
            ["SNAP_SINCE"] = since.ToString("O", CultureInfo.InvariantCulture),
            ["SNAP_ERROR"] = reason.Kind.Id,
            ["SNAP_REASON"] = reason.Why is { } why ? $"{reason.What}: {why}" : reason.What,
        };
        new Thread(() => Run(environment)) { Name = "snap-gap", IsBackground = true }.Start();
    }

    private void Run(Dictionary<string, string?> environment)
    {
        try
        {
            using FileDescriptor nothing = FileDescriptor.Open("/dev/null", Fcntl.O_RDWR);
            WaitStatus end = ChildProcess.Start(new SpawnOptions
            {
                Program = "/bin/sh",
                Arguments = ["-c", command],
                Environment = environment,
                NewSession = true,
                CloseOthers = true,
                Descriptors = new Dictionary<int, FileDescriptor> { [0] = nothing, [1] = nothing, [2] = nothing },
            }).Wait();
            if (end is not { HasExited: true, ExitCode: 0 })
                tell(Failed(end.Past, null));
        }
        catch (KernelException failed)
        {
            tell(Failed(failed.Message, failed));
        }
        finally
        {
            Volatile.Write(ref _isRunning, 0);
        }
    }

    private SnapException Failed(string why, Exception? inner) =>
        new(ErrorCatalogue.HookFailed, "the command of --on-gap failed", command, why, "run it by hand; it has no terminal, and starts in the directory /", inner);
}

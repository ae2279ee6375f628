using System.Runtime.InteropServices;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;

namespace Snap.Cli.Commands;

/// <summary>Passes signals that would end us on to a restored process, as long as this object lives: it isn't in our process group, so the terminal doesn't send it any.</summary>
internal sealed class SignalForwarding : IDisposable
{
    private static readonly (PosixSignal Ours, int Number)[] _signals =
    [
        (PosixSignal.SIGINT, Signal.SIGINT), (PosixSignal.SIGTERM, Signal.SIGTERM), (PosixSignal.SIGHUP, Signal.SIGHUP), (PosixSignal.SIGQUIT, Signal.SIGQUIT),
    ];

    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Begins to pass them on.</summary>
    public SignalForwarding(ChildProcess child) =>
        _registrations = [.. _signals.Select(signal => PosixSignalRegistration.Create(signal.Ours, context =>
        {
            context.Cancel = true;
            child.Signal(signal.Number);
        }))];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }
}

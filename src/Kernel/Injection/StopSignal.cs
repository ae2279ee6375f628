using Snap.Kernel.Abi;

namespace Snap.Kernel.Injection;

/// <summary>Chooses the signal by which a batch stops: one that an untraced thread wouldn't notice.</summary>
public static class StopSignal
{
    // Ignored by default. SIGCONT is left out: sending it has effects of its own.
    private static readonly int[] _candidates = [Signal.SIGURG, Signal.SIGWINCH, Signal.SIGCHLD];

    /// <summary>Picks one.</summary>
    /// <param name="handled">Signals with a handler (SigCgt).</param>
    /// <param name="pending">Signals pending for the process or the thread: the batch would stop for them too early.</param>
    /// <param name="inSignalDescriptors">Signals that a signalfd of the target takes: it would see ours.</param>
    /// <returns>0 if none is free.</returns>
    public static int Choose(ulong handled, ulong pending, ulong inSignalDescriptors)
    {
        ulong taken = handled | pending | inSignalDescriptors;
        return _candidates.FirstOrDefault(signal => (taken & Bit(signal)) == 0);
    }

    /// <summary>The mask bit of a signal.</summary>
    public static ulong Bit(int signal) => 1UL << (signal - 1);
}

using Snap.Kernel.Abi;

namespace Snap.Kernel.Injection;

/// <summary>Chooses the signal by which a batch stops: one that an untraced thread wouldn't notice.</summary>
public static class StopSignal
{
    // Ignored by default.
    private static readonly int[] _candidates = [Signal.SIGURG, Signal.SIGWINCH, Signal.SIGCHLD];

    // The last resort, for programs that handle all the others (Go's runtime does). Sending it takes back stop signals that are pending, and has
    // no effect on a process that isn't stopped.
    private const int LastResort = Signal.SIGCONT;

    private static readonly ulong _stopSignals = Bit(Signal.SIGSTOP) | Bit(Signal.SIGTSTP) | Bit(Signal.SIGTTIN) | Bit(Signal.SIGTTOU);

    /// <summary>Picks one.</summary>
    /// <param name="handled">Signals with a handler (SigCgt).</param>
    /// <param name="pending">Signals pending for the process or the thread: the batch would stop for them too early.</param>
    /// <param name="inSignalDescriptors">Signals that a signalfd of the target takes: it would see ours.</param>
    /// <returns>0 if none is free.</returns>
    public static int Choose(ulong handled, ulong pending, ulong inSignalDescriptors)
    {
        ulong taken = handled | pending | inSignalDescriptors;
        int free = Array.Find(_candidates, signal => (taken & Bit(signal)) == 0);
        return free == 0 && (taken & Bit(LastResort)) == 0 && (pending & _stopSignals) == 0 ? LastResort : free;
    }

    /// <summary>The mask that a thread has in the agent's code: all blocked but the signal that it stops by.</summary>
    public static ulong OwnMask(int signal) => ~Bit(signal);

    /// <summary>The mask bit of a signal.</summary>
    public static ulong Bit(int signal) => 1UL << (signal - 1);
}

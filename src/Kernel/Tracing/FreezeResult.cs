using Snap.Kernel.Abi;

namespace Snap.Kernel.Tracing;

/// <summary>How an attempt to freeze ended.</summary>
public enum FreezeOutcome
{
    /// <summary>Every thread stands still.</summary>
    Frozen,
    /// <summary>The process ended.</summary>
    Gone,
    /// <summary>A thread didn't stop in time; all run on.</summary>
    DeadlinePassed,
    /// <summary>The kernel refused to trace a thread; all run on.</summary>
    Refused,
}

/// <summary>How an attempt to freeze ended, and because of which thread.</summary>
/// <param name="Outcome">How.</param>
/// <param name="Tid">The thread that didn't stop, or that we may not trace; else 0.</param>
/// <param name="Errno">Why tracing was refused.</param>
public readonly record struct FreezeResult(FreezeOutcome Outcome, int Tid = 0, Errno Errno = Errno.None);

using Snap.Kernel.Abi;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Tracing;

/// <summary>The watchdog of a freeze: a timer of the kernel's that kills our own process with SIGKILL unless it is disarmed in time.</summary>
/// <remarks>
/// A tracer that is itself stopped (SIGSTOP, a debugger, a hung disk) keeps its target frozen. A second process as watchdog could be stopped
/// along with it; a POSIX timer can't: it fires whatever state we are in, the kernel detaches the target, and the self-curing batch frees it.
/// </remarks>
public sealed unsafe class KillTimer : IDisposable
{
    private int _timer;

    /// <summary>Makes the timer, disarmed.</summary>
    public KillTimer()
    {
        var notice = new sigevent { sigev_signo = Signal.SIGKILL, sigev_notify = Signal.SIGEV_SIGNAL };
        int timer;
        Door.Call(SyscallNumber.timer_create, Timers.CLOCK_MONOTONIC, (ulong)(&notice), (ulong)(&timer)).OrThrow("timer_create");
        _timer = timer;
    }

    /// <summary>Kills this process after <paramref name="time"/>, unless disarmed or armed anew.</summary>
    public void Arm(TimeSpan time) => Set(Math.Max(1, (long)(time.TotalMilliseconds * 1e6)));

    /// <summary>Stops the clock.</summary>
    public void Disarm() => Set(0);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_timer >= 0)
            Door.Call(SyscallNumber.timer_delete, (ulong)_timer);
        _timer = -1;
    }

    private void Set(long ns)
    {
        var when = new itimerspec { value_sec = ns / 1_000_000_000, value_nsec = ns % 1_000_000_000 };
        Door.Call(SyscallNumber.timer_settime, (ulong)_timer, 0, (ulong)(&when), 0).OrThrow("timer_settime");
    }
}

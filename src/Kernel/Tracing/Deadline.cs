using System.Diagnostics;
using Snap.Kernel.Abi;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Tracing;

/// <summary>A time by which the calling thread's blocking calls return: past it a timer interrupts them (EINTR), again and again, until disposed.</summary>
/// <remarks>waitid(2) has no time-out, and polling would take the processor from the very threads it waits for. timer_create(2), SIGEV_THREAD_ID.</remarks>
public sealed unsafe class Deadline : IDisposable
{
    private readonly long _end;
    private int _timer = -1;

    private Deadline(long end) => _end = end;

    /// <summary>A deadline that has come: nothing is waited for.</summary>
    public static Deadline Now { get; } = new(0);

    /// <summary>A deadline that never comes.</summary>
    public static Deadline Never { get; } = new(long.MaxValue);

    /// <summary>True once the time is over.</summary>
    public bool HasPassed => _end != long.MaxValue && Stopwatch.GetTimestamp() >= _end;

    /// <summary>Starts the clock for the calling thread.</summary>
    public static Deadline After(TimeSpan time)
    {
        NativeCode.EnsureInterruptHandler();
        var deadline = new Deadline(Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency));
        var notice = new sigevent
        {
            sigev_signo = NativeCode.InterruptSignal,
            sigev_notify = Signal.SIGEV_THREAD_ID,
            sigev_notify_thread_id = (int)Door.Call(SyscallNumber.gettid).Value,
        };
        int timer;
        Door.Call(SyscallNumber.timer_create, Timers.CLOCK_MONOTONIC, (ulong)(&notice), (ulong)(&timer)).OrThrow("timer_create");
        deadline._timer = timer;
        long ns = Math.Max(1, (long)(time.TotalMilliseconds * 1e6));
        var when = new itimerspec { value_sec = ns / 1_000_000_000, value_nsec = ns % 1_000_000_000, interval_nsec = 1_000_000 };
        Door.Call(SyscallNumber.timer_settime, (ulong)timer, 0, (ulong)(&when), 0).OrThrow("timer_settime");
        return deadline;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_timer < 0)
            return;
        Door.Call(SyscallNumber.timer_delete, (ulong)_timer);
        _timer = -1;
    }
}

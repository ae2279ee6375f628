namespace Snap.Kernel.Procfs;

/// <summary>What fdinfo shows of a timerfd.</summary>
/// <param name="Clock">CLOCK_*.</param>
/// <param name="Ticks">Expirations not read yet.</param>
/// <param name="SettimeFlags">TFD_TIMER_* of the last settime.</param>
/// <param name="ValueSeconds">Time left to the next expiration, never absolute; 0.0 if disarmed.</param>
/// <param name="ValueNanoseconds">Its nanoseconds.</param>
/// <param name="IntervalSeconds">The period, 0.0 for a single expiration.</param>
/// <param name="IntervalNanoseconds">Its nanoseconds.</param>
public sealed record TimerDescriptor(
    int Clock, ulong Ticks, uint SettimeFlags, ulong ValueSeconds, ulong ValueNanoseconds, ulong IntervalSeconds, ulong IntervalNanoseconds);

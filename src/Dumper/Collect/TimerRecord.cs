using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Injection;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Collect;

/// <summary>A timer_create(2) timer: what /proc lists, and what remains of it by a call inside.</summary>
internal sealed class TimerRecord(PosixTimer timer)
{
    private RemoteAddress _at;
    private int _call;

    /// <summary>As the image has it; valid once the results were taken.</summary>
    public PosixTimerImage Image { get; private set; } = null!;

    /// <summary>Adds the call.</summary>
    public void AddCall(RemoteBatch batch)
    {
        _at = batch.Reserve(32);
        _call = batch.Add(SyscallNumber.timer_gettime, (ulong)timer.Id, _at.Value);
    }

    /// <summary>Takes the result.</summary>
    public void TakeResult(RemoteBatch batch)
    {
        batch.Result(_call).OrThrow("timer_gettime of timer", timer.Id);
        itimerspec left = batch.Data<itimerspec>(_at);
        Image = new PosixTimerImage
        {
            Id = timer.Id,
            Clock = timer.Clock,
            Notify = timer.Notify,
            Signal = timer.Signal,
            Value = timer.Value,
            Tid = timer.IsForThread ? timer.Target : 0,
            RemainingNanoseconds = Nanoseconds(left.value_sec, left.value_nsec),
            IntervalNanoseconds = Nanoseconds(left.interval_sec, left.interval_nsec),
        };
    }

    private static ulong Nanoseconds(long seconds, long nanoseconds) => ((ulong)seconds * 1_000_000_000) + (ulong)nanoseconds;
}

using System.Buffers.Binary;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;

namespace Snap.Restorer.Building;

/// <summary>timer_create(2) and setitimer(2) timers.</summary>
internal static class TimerCalls
{
    /// <summary>Makes the POSIX timers under their ids, disarmed.</summary>
    public static void Create(ProcessImage process, CallList calls)
    {
        if (process.PosixTimers.Count == 0)
            return;
        if (OwnProcess.CanChooseTimerIds)
        {
            calls.Call("choosing timer ids", SyscallNumber.prctl, Prctl.PR_TIMER_CREATE_RESTORE_IDS, Prctl.PR_TIMER_CREATE_RESTORE_IDS_ON);
            foreach (PosixTimerImage timer in process.PosixTimers)
            {
                calls.Room(1, 128);
                calls.Call($"making timer {timer.Id}", SyscallNumber.timer_create, (ulong)timer.Clock, calls.Put(ToEvent(timer)), calls.Put(timer.Id));
            }

            calls.Call("choosing timer ids", SyscallNumber.prctl, Prctl.PR_TIMER_CREATE_RESTORE_IDS, Prctl.PR_TIMER_CREATE_RESTORE_IDS_OFF);
        }
        else
            CreateByCounting(process, calls);
    }

    // Before Linux 6.15 ids only count upwards from 0: those in between are made, and deleted at once.
    private static void CreateByCounting(ProcessImage process, CallList calls)
    {
        var wanted = process.PosixTimers.ToDictionary(timer => timer.Id);
        int last = wanted.Keys.Max();
        calls.Flush();
        var made = new List<(ulong Address, int Id)>();
        for (int id = 0; id <= last; id++)
        {
            if (calls.Batch.Count + 2 > calls.Batch.MaxCalls || calls.Batch.DataLeft < 256)
                FlushCounted(process, calls, made);
            bool isWanted = wanted.TryGetValue(id, out PosixTimerImage? timer);
            ulong result = calls.Put(-1);
            sigevent none = new() { sigev_notify = Signal.SIGEV_NONE };
            calls.Call($"making timer {id}", SyscallNumber.timer_create, isWanted ? (ulong)timer!.Clock : Timers.CLOCK_MONOTONIC,
                calls.Put(isWanted ? ToEvent(timer!) : none), result);
            made.Add((result, id));
            if (!isWanted)
                calls.Call("deleting a timer", SyscallNumber.timer_delete, (ulong)id);
        }

        FlushCounted(process, calls, made);
    }

    private static void FlushCounted(ProcessImage process, CallList calls, List<(ulong Address, int Id)> made)
    {
        calls.Flush(batch =>
        {
            foreach ((ulong address, int id) in made)
            {
                int got = BinaryPrimitives.ReadInt32LittleEndian(batch.Data(new Kernel.RemoteAddress(address), sizeof(int)));
                if (got != id)
                    throw CallList.Failure(process.Pid, $"making timer {id}", $"the kernel gave it id {got}");
            }
        });
        made.Clear();
    }

    /// <summary>Starts all clocks.</summary>
    public static void Arm(ProcessImage process, CallList calls)
    {
        foreach (PosixTimerImage timer in process.PosixTimers.Where(timer => timer.RemainingNanoseconds > 0))
        {
            calls.Room(1, 64);
            calls.Call($"arming timer {timer.Id}", SyscallNumber.timer_settime, (ulong)timer.Id, 0,
                calls.Put(Times.ToSpec(timer.RemainingNanoseconds, timer.IntervalNanoseconds)));
        }

        foreach (IntervalTimerImage timer in process.IntervalTimers)
        {
            // A periodic ITIMER_REAL whose SIGALRM is pending stands still until the signal is delivered, and shows no remaining time.
            ulong remaining = timer.RemainingMicroseconds > 0 ? timer.RemainingMicroseconds
                : timer.Which == Timers.ITIMER_REAL ? timer.IntervalMicroseconds : 0;
            if (remaining == 0)
                continue;
            calls.Room(1, 64);
            calls.Call($"arming interval timer {timer.Which}", SyscallNumber.setitimer, (ulong)timer.Which,
                calls.Put(Times.ToVal(remaining, timer.IntervalMicroseconds)));
        }
    }

    private static sigevent ToEvent(PosixTimerImage timer) => new()
    {
        sigev_value = timer.Value,
        sigev_signo = timer.Signal,
        sigev_notify = timer.Notify,
        sigev_notify_thread_id = timer.Tid,
    };
}

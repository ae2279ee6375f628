using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Tracing;

namespace Snap.Kernel.Injection;

/// <summary>A parked thread whose registers and mask we may change, and give back when disposed.</summary>
/// <remarks>
/// Each step leaves a state from which the thread heals itself should we die there:
/// <code>
///    registers   mask             standing in      alone, it
/// 1  its own     its own          event stop       goes on. Out of a call that swaps the mask (ppoll, sigsuspend) too: the call is made again and swaps it again
/// 2  the code's  its own          event stop       runs the code, which blocks all signals first
/// 3  the code's  the code's       event stop       runs the code
/// 4  the code's  the code's       signal stop      goes on behind the stop; the signal isn't blocked, so it is dropped
/// 5  the code's  its own          signal stop      the same; the signal is dropped, whatever the mask, since we have taken the stop
/// 6  its own     its own          signal stop      goes on, and the signal is dropped
/// </code>
/// </remarks>
internal sealed class BorrowedThread : IDisposable
{
    private readonly Tracee _thread;
    private int _stopSignal;

    private BorrowedThread(Tracee thread, user_regs_struct original, user_regs_struct cured, ulong mask) =>
        (_thread, Original, Cured, Mask) = (thread, original, cured, mask);

    /// <summary>Thread id.</summary>
    public int Tid => _thread.Tid;

    /// <summary>Registers as they were, to be put back by us.</summary>
    public user_regs_struct Original { get; }

    /// <summary>Registers as they have to be put back by the target itself.</summary>
    public user_regs_struct Cured { get; }

    /// <summary>Signal mask as it was.</summary>
    public ulong Mask { get; }

    /// <summary>It was started, and hasn't been waited for.</summary>
    public bool IsRunning { get; private set; }

    private bool IsInCode => _stopSignal != 0;

    public static BorrowedThread Save(Tracee thread, RemoteMemory memory)
    {
        user_regs_struct original = thread.GetRegisters();
        RestartableSequence.AbortIfInside(ref original, thread.GetRestartableSequence(), memory);
        user_regs_struct cured = original;
        SyscallRestart.Rewind(ref cured, sameThread: true);
        return new BorrowedThread(thread, original, cured, thread.GetSignalMask());
    }

    /// <summary>Runs the agent's code, at <paramref name="entry"/>'s rip, until it stops by its signal.</summary>
    public void RunFrom(in user_regs_struct entry, int stopSignal)
    {
        Begin(entry, stopSignal);
        End();
    }

    /// <summary>Starts the agent's code; <see cref="End"/> waits for its stop. Other threads may be started meanwhile.</summary>
    public void Begin(in user_regs_struct entry, int stopSignal)
    {
        Fault.Hit(FaultPoint.Inject);
        if (IsInCode)
        {
            _thread.SetRegisters(entry);
        }
        else
        {
            // In a call that swaps the mask the swapped one holds until now. With it a signal that is to end the call would be handled on top of our
            // code, and the call, made again, would wait for it in vain. With its own mask the signal waits for the call.
            _thread.SetSignalMask(Mask);
            Fault.Hit(FaultPoint.Inject);
            _stopSignal = stopSignal;
            _thread.SetRegisters(entry);
            Fault.Hit(FaultPoint.Inject);
            _thread.SetSignalMask(StopSignal.OwnMask(stopSignal));
        }

        Fault.Hit(FaultPoint.Inject);
        _thread.TryContinue().OrThrow("resume thread", _thread.Tid);
        IsRunning = true;
        Fault.Hit(FaultPoint.Inject);
    }

    /// <summary>Waits until the code that <see cref="Begin"/> started stops by its signal.</summary>
    /// <exception cref="InjectionException">The thread ended.</exception>
    public void End()
    {
        while (true)
        {
            _thread.TryWait(Deadline.Never);
            if (!_thread.LastStop.IsStopped)
            {
                IsRunning = false;
                throw new InjectionException($"thread {_thread.Tid} ended while it made a call for us", targetGone: true);
            }

            if (_thread.LastStop.IsSignalStop && _thread.LastStop.StopSignal == _stopSignal)
            {
                Fault.Hit(FaultPoint.Inject);
                _thread.TakeStop();
                IsRunning = false;
                Fault.Hit(FaultPoint.Inject);
                return;
            }

            // A group-stopped target reports its event stop once more before it runs; anything else isn't ours to swallow either.
            _thread.TryContinue(_thread.LastStop.IsSignalStop ? _thread.LastStop.StopSignal : 0).OrThrow("resume thread", _thread.Tid);
        }
    }

    public void Dispose()
    {
        if (!IsInCode)
            return;
        try
        {
            _thread.SetSignalMask(Mask);
            Fault.Hit(FaultPoint.Inject);
            _thread.SetRegisters(Original);
            _stopSignal = 0;
            Fault.Hit(FaultPoint.Inject);
        }
        catch (KernelException gone) when (gone.Errno == Errno.ESRCH)
        {
            // The target was killed meanwhile: nothing to give back.
            _stopSignal = 0;
        }
    }
}

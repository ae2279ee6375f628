using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Tracing;

namespace Snap.Kernel.Injection;

/// <summary>A parked thread whose registers and mask we may change, and give back when disposed.</summary>
internal sealed class BorrowedThread : IDisposable
{
    private readonly Tracee _thread;
    private bool _changed;

    private BorrowedThread(Tracee thread, user_regs_struct original, user_regs_struct cured, ulong mask) =>
        (_thread, Original, Cured, Mask) = (thread, original, cured, mask);

    /// <summary>Registers as they were, to be put back by us.</summary>
    public user_regs_struct Original { get; }

    /// <summary>Registers as they have to be put back by the target itself.</summary>
    public user_regs_struct Cured { get; }

    /// <summary>Signal mask as it was.</summary>
    public ulong Mask { get; }

    public static BorrowedThread Save(Tracee thread, RemoteMemory memory)
    {
        user_regs_struct original = thread.GetRegisters();
        RestartableSequence.AbortIfInside(ref original, thread.GetRestartableSequence(), memory);
        user_regs_struct cured = original;
        SyscallRestart.Rewind(ref cured, sameThread: true);
        return new BorrowedThread(thread, original, cured, thread.GetSignalMask());
    }

    /// <summary>Runs the agent's code from <paramref name="entry"/> until it stops by its signal.</summary>
    /// <remarks>
    /// Registers first, then the mask: killed in between, the code runs with the old mask, and is cured at its end. The other way round the thread
    /// would go on in its own code with everything blocked.
    /// </remarks>
    public void RunFrom(in user_regs_struct entry, int stopSignal)
    {
        _changed = true;
        Fault.Hit(FaultPoint.Inject);
        _thread.SetRegisters(entry);
        Fault.Hit(FaultPoint.Inject);
        _thread.SetSignalMask(~StopSignal.Bit(stopSignal));
        Fault.Hit(FaultPoint.Inject);
        _thread.TryContinue().OrThrow("resume thread", _thread.Tid);
        Fault.Hit(FaultPoint.Inject);
        while (true)
        {
            _thread.TryWait(Deadline.Never);
            if (!_thread.LastStop.IsStopped)
                throw new InjectionException($"thread {_thread.Tid} ended while it made a call for us", targetGone: true);
            if (_thread.LastStop.IsSignalStop && _thread.LastStop.StopSignal == stopSignal)
            {
                Fault.Hit(FaultPoint.Inject);
                return;
            }

            // A group-stopped target reports its event stop once more before it runs; anything else isn't ours to swallow either.
            _thread.TryContinue(_thread.LastStop.IsSignalStop ? _thread.LastStop.StopSignal : 0).OrThrow("resume thread", _thread.Tid);
        }
    }

    public void Dispose()
    {
        if (!_changed)
            return;
        _changed = false;
        try
        {
            _thread.SetSignalMask(Mask);
            Fault.Hit(FaultPoint.Inject);
            _thread.SetRegisters(Original);
            Fault.Hit(FaultPoint.Inject);
        }
        catch (KernelException gone) when (gone.Errno == Errno.ESRCH)
        {
            // The target was killed meanwhile: nothing to give back.
        }
    }
}

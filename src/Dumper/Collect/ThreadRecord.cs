using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Injection;
using Snap.Kernel.Memory;
using Snap.Kernel.Tracing;

namespace Snap.Dumper.Collect;

/// <summary>What is taken of one thread in a pause; the buffers are used again for another thread in the next.</summary>
internal sealed class ThreadRecord
{
    private const int AffinityLength = 1024;
    private const int MaxExtendedState = 16 * 1024;

    private readonly byte[] _extendedState = GC.AllocateUninitializedArray<byte>(MaxExtendedState);
    private readonly byte[] _name = new byte[16];
    private readonly byte[] _affinity = new byte[AffinityLength];
    private int _extendedStateLength;
    private int _affinityLength;
    private user_regs_struct _registers;
    private ulong _mask;
    private byte[][] _pending = [];
    private ptrace_rseq_configuration? _restartable;
    private stack_t _altStack;
    private ulong _clearTid, _robustHead, _robustLength, _timerSlack;
    private int _deathSignal, _ioPriority;
    private sched_attr _scheduling;
    private Addresses _at;

    /// <summary>Thread id.</summary>
    public int Tid { get; private set; }

    /// <summary>Stopped by job control.</summary>
    public bool IsGroupStopped { get; private set; }

    /// <summary>Runs 32-bit code.</summary>
    public bool IsCompatible => _registers.cs != Preflight.IdentityRules.LongModeCodeSegment;

    /// <summary>Its system calls are turned into signals (PR_SET_SYSCALL_USER_DISPATCH).</summary>
    public bool HasUserDispatch { get; private set; }

    /// <summary>SCHED_*.</summary>
    public uint Policy => _scheduling.sched_policy;

    /// <summary>MPOL_*; 0 is the default.</summary>
    public int MemoryPolicy { get; private set; }

    /// <summary>Bytes of XSTATE.</summary>
    public int ExtendedStateLength => _extendedStateLength;

    /// <summary>Takes what ptrace tells.</summary>
    /// <param name="thread">Stopped.</param>
    /// <param name="registers">Its registers, out of a restartable sequence already.</param>
    /// <param name="mask">Its signal mask.</param>
    /// <param name="memory">The target's.</param>
    /// <param name="interrupted">Names the call that it was interrupted in.</param>
    public void TakeStopped(Tracee thread, in user_regs_struct registers, ulong mask, RemoteMemory memory, InterruptedCalls interrupted)
    {
        Tid = thread.Tid;
        IsGroupStopped = thread.GroupStopSignal != 0;
        HasUserDispatch = thread.HasSyscallUserDispatch();
        _registers = registers;
        interrupted.Name(Tid, ref _registers, memory);
        _mask = mask;
        _restartable = thread.GetRestartableSequence();
        _extendedStateLength = thread.GetExtendedState(_extendedState);
        _pending = thread.PeekSignals(shared: false);
    }

    /// <summary>Adds the calls that only the thread itself can make.</summary>
    public void AddCalls(RemoteBatch batch)
    {
        _at = new Addresses
        {
            Stack = batch.Reserve(24), Tid = batch.Reserve(8), Death = batch.Reserve(4), Name = batch.Reserve(16), Head = batch.Reserve(8),
            Length = batch.Reserve(8), Scheduling = batch.Reserve(56), Affinity = batch.Reserve(AffinityLength), Policy = batch.Reserve(4),
        };
        _at.First = batch.Add(SyscallNumber.sigaltstack, 0, _at.Stack.Value);
        batch.Add(SyscallNumber.prctl, Prctl.PR_GET_TID_ADDRESS, _at.Tid.Value);
        batch.Add(SyscallNumber.prctl, Prctl.PR_GET_PDEATHSIG, _at.Death.Value);
        batch.Add(SyscallNumber.prctl, Prctl.PR_GET_NAME, _at.Name.Value);
        batch.Add(SyscallNumber.prctl, Prctl.PR_GET_TIMERSLACK);
        batch.Add(SyscallNumber.get_robust_list, 0, _at.Head.Value, _at.Length.Value);
        batch.Add(SyscallNumber.sched_getattr, 0, _at.Scheduling.Value, 56, 0);
        batch.Add(SyscallNumber.sched_getaffinity, 0, AffinityLength, _at.Affinity.Value);
        batch.Add(SyscallNumber.ioprio_get, Prctl.IOPRIO_WHO_PROCESS, 0);
        batch.Add(SyscallNumber.get_mempolicy, _at.Policy.Value, 0, 0, 0, 0);
    }

    /// <summary>Takes the results after the batch ran.</summary>
    public void TakeResults(RemoteBatch batch)
    {
        int call = _at.First;
        batch.Result(call++).OrThrow("sigaltstack in thread", Tid);
        _altStack = batch.Data<stack_t>(_at.Stack);
        // Without CONFIG_CHECKPOINT_RESTORE the address can't be asked for, and pthread_join of a restored thread would hang.
        batch.Result(call++).OrThrow("prctl(PR_GET_TID_ADDRESS) in thread", Tid);
        _clearTid = batch.DataUInt64(_at.Tid);
        batch.Result(call++).OrThrow("prctl(PR_GET_PDEATHSIG) in thread", Tid);
        _deathSignal = batch.Data<int>(_at.Death);
        batch.Result(call++).OrThrow("prctl(PR_GET_NAME) in thread", Tid);
        batch.Data(_at.Name, 16).CopyTo(_name);
        _timerSlack = (ulong)batch.Result(call++).OrThrow("prctl(PR_GET_TIMERSLACK) in thread", Tid);
        batch.Result(call++).OrThrow("get_robust_list in thread", Tid);
        (_robustHead, _robustLength) = (batch.DataUInt64(_at.Head), batch.DataUInt64(_at.Length));
        batch.Result(call++).OrThrow("sched_getattr in thread", Tid);
        _scheduling = batch.Data<sched_attr>(_at.Scheduling);
        _affinityLength = (int)batch.Result(call++).OrThrow("sched_getaffinity in thread", Tid);
        batch.Data(_at.Affinity, _affinityLength).CopyTo(_affinity);
        _ioPriority = (int)batch.Result(call++).OrThrow("ioprio_get in thread", Tid);
        // ENOSYS where the kernel knows no memory nodes.
        MemoryPolicy = batch.Result(call).IsError ? 0 : batch.Data<int>(_at.Policy);
    }

    /// <summary>As the image has it.</summary>
    public ThreadImage ToImage() => new()
    {
        Tid = Tid,
        Name = ImageText.Of(_name.AsSpan(0, Math.Max(0, _name.AsSpan().IndexOf((byte)0)))),
        Registers = System.Runtime.InteropServices.MemoryMarshal.AsBytes(new ReadOnlySpan<user_regs_struct>(in _registers)).ToArray(),
        ExtendedState = _extendedState.AsSpan(0, _extendedStateLength).ToArray(),
        SignalMask = _mask,
        PendingSignals = _pending,
        // Whether it is in use right now follows from the stack pointer, and can't be set.
        AlternateStack = new AlternateStackImage(_altStack.ss_sp, _altStack.ss_flags & ~Signal.SS_ONSTACK, _altStack.ss_size),
        RobustListHead = _robustHead,
        RobustListLength = _robustHead == 0 ? 0 : _robustLength,
        RestartableSequence = _restartable is { rseq_abi_pointer: not 0 } known
            ? new RestartableSequenceImage(known.rseq_abi_pointer, known.rseq_abi_size, known.signature, known.flags) : null,
        ClearTidAddress = _clearTid,
        Affinity = _affinity.AsSpan(0, _affinityLength).ToArray(),
        SchedulingPolicy = (int)_scheduling.sched_policy
            | ((_scheduling.sched_flags & Sched.SCHED_FLAG_RESET_ON_FORK) != 0 ? Sched.SCHED_RESET_ON_FORK : 0),
        SchedulingPriority = (int)_scheduling.sched_priority,
        Nice = _scheduling.sched_nice,
        TimerSlackNanoseconds = _timerSlack,
        IoPriority = _ioPriority,
        ParentDeathSignal = _deathSignal,
    };

    private struct Addresses
    {
        public int First;
        public RemoteAddress Stack, Tid, Death, Name, Head, Length, Scheduling, Affinity, Policy;
    }
}

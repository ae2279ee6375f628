using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Injection;

namespace Snap.Dumper.Collect;

/// <summary>What only a call inside the process tells of it, of its timers, and of the owners of its descriptors.</summary>
internal sealed class ProcessRecord
{
    /// <summary>Calls that <see cref="AddCalls"/> adds.</summary>
    public const int CallCount = SignalCount + LimitCount + 3 + 9;

    private const int SignalCount = 64;
    private const int LimitCount = 16;
    private const int SignalActionSize = 32;

    /// <summary>Registered where the kernel can't tell (before Linux 6.3): one too many costs nothing, one too few aborts .NET.</summary>
    private const int AllMembarriers = Prctl.MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | Prctl.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
        | Prctl.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;

    private const ulong QueryPersonality = 0xFFFF_FFFF;

    private readonly SignalActionImage[] _actions = new SignalActionImage[SignalCount];
    private readonly LimitImage[] _limits = new LimitImage[LimitCount];
    private readonly IntervalTimerImage[] _intervalTimers = new IntervalTimerImage[3];
    private RemoteAddress _actionsAt, _limitsAt, _timersAt, _subreaperAt;
    private int _firstAction, _firstLimit, _firstTimer, _firstSingle;

    /// <summary>Actions of signals 1..64.</summary>
    public IReadOnlyList<SignalActionImage> Actions => _actions;

    /// <summary>Limits by RLIMIT_*.</summary>
    public IReadOnlyList<LimitImage> Limits => _limits;

    /// <summary>setitimer(2) timers.</summary>
    public IReadOnlyList<IntervalTimerImage> IntervalTimers => _intervalTimers;

    /// <summary>brk(0).</summary>
    public ulong Break { get; private set; }

    /// <summary>personality(2).</summary>
    public uint Personality { get; private set; }

    /// <summary>PR_GET_DUMPABLE.</summary>
    public int Dumpable { get; private set; }

    /// <summary>PR_GET_CHILD_SUBREAPER.</summary>
    public bool IsSubreaper { get; private set; }

    /// <summary>PR_GET_THP_DISABLE.</summary>
    public bool HugePagesDisabled { get; private set; }

    /// <summary>PR_GET_SECUREBITS.</summary>
    public int SecureBits { get; private set; }

    /// <summary>MEMBARRIER_CMD_REGISTER_* bits.</summary>
    public int Membarriers { get; private set; }

    /// <summary>It has children, living or not yet reaped, or traces somebody.</summary>
    public bool HasChildren { get; private set; }

    /// <summary>Adds the calls.</summary>
    public void AddCalls(RemoteBatch batch)
    {
        _actionsAt = batch.Reserve(SignalCount * SignalActionSize);
        _firstAction = batch.Count;
        for (int signal = 1; signal <= SignalCount; signal++)
            batch.Add(SyscallNumber.rt_sigaction, (ulong)signal, 0, _actionsAt.Value + (ulong)((signal - 1) * SignalActionSize), 8);
        _limitsAt = batch.Reserve(LimitCount * 16);
        _firstLimit = batch.Count;
        for (int resource = 0; resource < LimitCount; resource++)
            batch.Add(SyscallNumber.prlimit64, 0, (ulong)resource, 0, _limitsAt.Value + (ulong)(resource * 16));
        _timersAt = batch.Reserve(3 * 32);
        _firstTimer = batch.Count;
        for (int which = 0; which < 3; which++)
            batch.Add(SyscallNumber.getitimer, (ulong)which, _timersAt.Value + (ulong)(which * 32));
        _subreaperAt = batch.Reserve(4);
        _firstSingle = batch.Add(SyscallNumber.brk, 0);
        batch.Add(SyscallNumber.personality, QueryPersonality);
        batch.Add(SyscallNumber.prctl, Prctl.PR_GET_DUMPABLE);
        batch.Add(SyscallNumber.prctl, Prctl.PR_GET_CHILD_SUBREAPER, _subreaperAt.Value);
        batch.Add(SyscallNumber.prctl, Prctl.PR_GET_THP_DISABLE);
        batch.Add(SyscallNumber.prctl, Prctl.PR_GET_SECUREBITS);
        batch.Add(SyscallNumber.membarrier, Prctl.MEMBARRIER_CMD_GET_REGISTRATIONS);
        // Whether there is any child at all, without reaping it.
        batch.Add(SyscallNumber.waitid, Sched.P_ALL, 0, 0,
            Sched.WNOHANG | Sched.WNOWAIT | Sched.WEXITED | Sched.WSTOPPED | Sched.WCONTINUED | Sched.__WALL);
    }

    /// <summary>Takes the results after the batch ran.</summary>
    public void TakeResults(RemoteBatch batch)
    {
        for (int i = 0; i < SignalCount; i++)
        {
            batch.Result(_firstAction + i).OrThrow("rt_sigaction of signal", i + 1);
            ReadOnlySpan<ulong> action = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(
                batch.Data(_actionsAt + (ulong)(i * SignalActionSize), SignalActionSize));
            _actions[i] = new SignalActionImage(action[0], action[1], action[2], action[3]);
        }

        for (int i = 0; i < LimitCount; i++)
        {
            batch.Result(_firstLimit + i).OrThrow("prlimit64 of resource", i);
            rlimit64 limit = batch.Data<rlimit64>(_limitsAt + (ulong)(i * 16));
            _limits[i] = new LimitImage(limit.rlim_cur, limit.rlim_max);
        }

        for (int i = 0; i < 3; i++)
        {
            batch.Result(_firstTimer + i).OrThrow("getitimer", i);
            itimerval timer = batch.Data<itimerval>(_timersAt + (ulong)(i * 32));
            _intervalTimers[i] = new IntervalTimerImage(i, Microseconds(timer.value_sec, timer.value_usec), Microseconds(timer.interval_sec, timer.interval_usec));
        }

        int call = _firstSingle;
        Break = (ulong)batch.Result(call++).OrThrow("brk");
        Personality = (uint)batch.Result(call++).OrThrow("personality");
        Dumpable = (int)batch.Result(call++).OrThrow("prctl(PR_GET_DUMPABLE)");
        batch.Result(call++).OrThrow("prctl(PR_GET_CHILD_SUBREAPER)");
        IsSubreaper = batch.Data<int>(_subreaperAt) != 0;
        HugePagesDisabled = batch.Result(call++).OrThrow("prctl(PR_GET_THP_DISABLE)") != 0;
        SecureBits = (int)batch.Result(call++).OrThrow("prctl(PR_GET_SECUREBITS)");
        Membarriers = batch.Result(call).IsError ? AllMembarriers : (int)batch.Result(call).Value;
        call++;
        HasChildren = batch.Result(call).Errno != Errno.ECHILD;
    }

    private static ulong Microseconds(long seconds, long microseconds) => ((ulong)seconds * 1_000_000) + (ulong)microseconds;
}

using System.Diagnostics;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Tracing;

/// <summary>All threads of one process, held still. Thawing detaches them; so does the end, however it comes, of the thread of ours that froze them.</summary>
/// <remarks>Reused from one checkpoint to the next, so that a freeze allocates nothing but its tracees.</remarks>
public sealed class FrozenProcess : IDisposable
{
    private const int BaseOptions = Ptrace.PTRACE_O_TRACESYSGOOD;

    private readonly DirectoryReader _tasks;
    private readonly List<int> _listed = [];
    private readonly List<Tracee> _threads = [];
    private readonly HashSet<int> _known = [];
    private readonly HashSet<int> _ended = [];
    private readonly List<Tracee> _stuck = [];

    private FrozenProcess(int pid, DirectoryReader tasks) => (Pid, _tasks) = (pid, tasks);

    /// <summary>The process.</summary>
    public int Pid { get; }

    /// <summary>Threads that stand still, in the order they were found; the leader first, unless it has ended.</summary>
    public IReadOnlyList<Tracee> Threads => _threads;

    /// <summary>Threads that are listed but have ended already: a leader whose process lives on.</summary>
    public IReadOnlyCollection<int> EndedThreads => _ended;

    /// <summary>When the first thread was asked to stop (<see cref="Stopwatch"/> ticks).</summary>
    public long FrozenSince { get; private set; }

    /// <summary>True between a freeze that succeeded and its thaw.</summary>
    public bool IsFrozen { get; private set; }

    /// <summary>Prepares to freeze <paramref name="pid"/>; nothing is stopped yet.</summary>
    /// <returns>Null if there is no such process.</returns>
    public static FrozenProcess? PrepareOrGone(int pid)
    {
        DirectoryReader? tasks = DirectoryReader.OpenOrGone($"/proc/{pid}/task");
        return tasks is null ? null : new FrozenProcess(pid, tasks);
    }

    /// <summary>Stops every thread, and looks again until no new one is found.</summary>
    /// <param name="deadline">Past it everything is thawed.</param>
    /// <param name="suspendSeccomp">Suspend seccomp filters while traced (PTRACE_O_SUSPEND_SECCOMP; needs CAP_SYS_ADMIN).</param>
    /// <param name="alreadyAttached">Threads that the kernel attached to us by itself.</param>
    public FreezeResult Freeze(Deadline deadline, bool suspendSeccomp = false, IReadOnlyList<Tracee>? alreadyAttached = null)
    {
        if (IsFrozen)
            throw new InvalidOperationException($"process {Pid} is frozen already");
        _threads.Clear();
        _known.Clear();
        _ended.Clear();
        // Those that have not stopped since an earlier attempt are asked already, and can't be seized twice.
        foreach (Tracee attached in (alreadyAttached ?? []).Concat(_stuck))
        {
            _threads.Add(attached);
            _known.Add(attached.Tid);
        }

        _stuck.Clear();

        FrozenSince = Stopwatch.GetTimestamp();
        int options = BaseOptions | (suspendSeccomp ? Ptrace.PTRACE_O_SUSPEND_SECCOMP : 0);
        int parked = 0;
        while (true)
        {
            if (!_tasks.TryList(_listed))
                return Undo(FreezeOutcome.Gone);
            foreach (int tid in _listed)
            {
                if (!_known.Add(tid))
                    continue;
                SyscallResult seized = Tracee.TrySeize(tid, options, out Tracee? tracee);
                if (seized.Errno == Errno.ESRCH)
                    continue;
                if (seized.IsError && IsEnded(tid))
                {
                    _ended.Add(tid);
                    continue;
                }

                if (seized.IsError)
                    return Undo(FreezeOutcome.Refused, tid, seized.Errno);
                _threads.Add(tracee!);
                Fault.Hit(FaultPoint.Seize);
                tracee!.TryInterrupt();
                Fault.Hit(FaultPoint.Seize);
            }

            if (parked == _threads.Count)
                break;
            for (; parked < _threads.Count; parked++)
            {
                if (!_threads[parked].TryPark(deadline))
                    return Undo(FreezeOutcome.DeadlinePassed, _threads[parked].Tid);
                Fault.Hit(FaultPoint.Seize);
            }
        }

        _threads.RemoveAll(thread => !thread.IsParked);
        if (_threads.Count == 0)
            return Undo(FreezeOutcome.Gone);
        foreach (Tracee thread in _threads)
            thread.WaitAgain();
        IsFrozen = true;
        return new FreezeResult(FreezeOutcome.Frozen);
    }

    /// <summary>Lets every thread go on.</summary>
    /// <returns>How long the first thread stood still.</returns>
    public TimeSpan Thaw()
    {
        Fault.Hit(FaultPoint.Thaw);
        foreach (Tracee thread in _threads)
        {
            thread.TryDetach();
            Fault.Hit(FaultPoint.Thaw);
        }

        IsFrozen = false;
        _threads.Clear();
        return Stopwatch.GetElapsedTime(FrozenSince);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_threads.Count > 0)
            Thaw();
        _tasks.Dispose();
    }

    // Threads that stand still are detached; one that was asked to stop and didn't yet can't be (ptrace wants it stopped). It is waited for
    // beyond the deadline if it stops soon after; if it hangs in the kernel, it can't run anyway, and is let go when this thread of ours ends.
    private FreezeResult Undo(FreezeOutcome outcome, int tid = 0, Errno errno = Errno.None)
    {
        var late = new List<Tracee>();
        foreach (Tracee thread in _threads)
        {
            // One that stands at a signal of its own, which nobody has looked at yet, has to get it first.
            if (!thread.TryPark(Deadline.Now) || thread.TryDetach().IsError)
                late.Add(thread);
        }

        using Deadline grace = Deadline.After(TimeSpan.FromMilliseconds(20));
        foreach (Tracee thread in late)
        {
            if (thread.TryPark(grace))
                thread.TryDetach();
            else
                _stuck.Add(thread);
        }

        _threads.Clear();
        return new FreezeResult(outcome, tid, errno);
    }

    /// <summary>A thread that was asked to stop and still has not, 0 for none: when it does, it stands until <see cref="ReleaseStuck"/> finds it, or this thread of ours ends.</summary>
    public int StuckThread => _stuck.Count > 0 ? _stuck[0].Tid : 0;

    /// <summary>Detaches threads that stopped after their deadline. Waits for nothing.</summary>
    public void ReleaseStuck()
    {
        for (int i = _stuck.Count - 1; i >= 0; i--)
        {
            if (!_stuck[i].TryPark(Deadline.Now))
                continue;
            _stuck[i].TryDetach();
            _stuck.RemoveAt(i);
        }
    }

    private bool IsEnded(int tid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{Pid}/task/{tid}/stat");
            int state = stat.LastIndexOf(')') + 2;
            return state < stat.Length && stat[state] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true;
        }
    }
}

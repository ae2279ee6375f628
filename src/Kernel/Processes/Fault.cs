using Snap.Kernel.Abi;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Processes;

/// <summary>Makes Snap die, stop or fail at a chosen pass of a chosen place, so that tests can look at what it leaves behind.</summary>
/// <remarks>
/// Armed by the environment alone: <c>SNAP_FAULT=Inject:3:kill</c> acts at the third pass of <see cref="FaultPoint.Inject"/> in each process
/// that inherits it; several are separated by commas. Actions: <c>kill</c> (SIGKILL to ourselves), <c>kill-parent</c> (SIGKILL to the
/// process that started us: for a tracer its engine), <c>stop</c> (SIGSTOP to ourselves), <c>fail</c> (EIO), <c>full</c> (ENOSPC). Off, a pass costs one comparison.
/// </remarks>
public static class Fault
{
    /// <summary>The variable that arms it.</summary>
    public const string Variable = "SNAP_FAULT";

    private static readonly Armed[]? _armed = Parse(Environment.GetEnvironmentVariable(Variable));

    /// <summary>True if any fault is armed. Asking also does what the first pass would otherwise do in the middle of a pause.</summary>
    public static bool IsArmed => _armed is not null;

    /// <summary>Passes a point.</summary>
    /// <exception cref="KernelException">The armed action is <c>fail</c> or <c>full</c>.</exception>
    public static void Hit(FaultPoint point)
    {
        if (_armed is not null)
            Act(point);
    }

    private static void Act(FaultPoint point)
    {
        foreach (Armed armed in _armed!)
        {
            if (armed.Point == point && Interlocked.Decrement(ref armed.PassesLeft) == 0)
                armed.Act();
        }
    }

    /// <summary>Reads the variable's value.</summary>
    /// <exception cref="FormatException">It isn't <c>point:pass:action</c>; a test that arms nothing by a spelling mistake would prove nothing.</exception>
    internal static Armed[]? Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        return [.. text.Split(',').Select(ParseOne)];
    }

    private static Armed ParseOne(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length != 3 || !Enum.TryParse(parts[0], out FaultPoint point) || !int.TryParse(parts[1], out int pass) || pass < 1
            || parts[2] is not ("kill" or "kill-parent" or "stop" or "fail" or "full"))
            throw new FormatException($"{Variable}: '{text}' isn't point:pass:action, action one of kill, kill-parent, stop, fail, full");
        return new Armed(point, pass, parts[2]);
    }

    internal sealed class Armed(FaultPoint point, int pass, string action)
    {
        public int PassesLeft = pass;

        public FaultPoint Point => point;

        public string Action => action;

        public void Act()
        {
            switch (action)
            {
                case "kill":
                    Kill(Environment.ProcessId, Signal.SIGKILL);
                    break;
                case "kill-parent":
                    Kill((int)Door.Call(SyscallNumber.getppid).Value, Signal.SIGKILL);
                    break;
                case "stop":
                    Kill(Environment.ProcessId, Signal.SIGSTOP);
                    break;
                default:
                    throw new KernelException(action == "full" ? Errno.ENOSPC : Errno.EIO, $"injected fault at {point}");
            }
        }

        // A parent that has died already leaves us with init's pid, which is nobody to kill.
        private static void Kill(int pid, int signal)
        {
            if (pid > 1)
                Door.Call(SyscallNumber.kill, (ulong)pid, (ulong)signal);
        }
    }
}

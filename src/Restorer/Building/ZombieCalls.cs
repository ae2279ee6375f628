using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Injection;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Restorer.Building;

/// <summary>Has stubs end as the processes ended whose zombies they become.</summary>
internal static class ZombieCalls
{
    private const int CoreDumped = 0x80;

    /// <summary>Ends a stub; it stays until its parent waits for it.</summary>
    /// <param name="stub">In its session and group.</param>
    /// <param name="zombie">What it was.</param>
    /// <param name="notices">Gets what differs.</param>
    public static void End(Stub stub, ZombieImage zombie, List<string> notices)
    {
        CallList calls = stub.NewCalls(stub.Thread);
        calls.Room(4, 128);
        calls.Call("naming a process", SyscallNumber.prctl, Prctl.PR_SET_NAME, calls.Put([.. KernelText.Encode(zombie.Name), 0]));
        int signal = zombie.Status & 0x7F;
        if (signal != 0)
        {
            // Its end must not write a core file, of our code.
            calls.Call("forbidding a core dump", SyscallNumber.prctl, Prctl.PR_SET_DUMPABLE, 0);
            if (signal != Signal.SIGKILL)
                calls.Call("setting the action of a signal", SyscallNumber.rt_sigaction, (ulong)signal, calls.Put(default(ActionWords)), 0, 8);
        }

        if (zombie.UserId != TaskFiles.Self.ReadStatus()!.Uid.Real)
            calls.Call("setting user ids", SyscallNumber.setresuid, zombie.UserId, zombie.UserId, zombie.UserId);
        calls.Flush();
        if (signal == 0)
            StubAgent.BeginAlone(stub.Thread, stub.Agent.SyscallInstruction, SyscallNumber.exit_group, (ulong)(zombie.Status >> 8 & 0xFF));
        else
            Kill(stub, signal);
        Stub.WaitForEnd(stub.Thread);
        if ((zombie.Status & CoreDumped) != 0 && signal != 0)
            notices.Add($"pid {zombie.Pid}, which had ended by signal {signal}, is no longer said to have dumped core");
    }

    // The signal stops the thread once more, on its way to it: then it is passed on, and not blocked any more.
    private static void Kill(Stub stub, int signal)
    {
        stub.Thread.SetSignalMask(~StopSignal.Bit(signal));
        using ProcessHandle handle = ProcessHandle.OpenOrGone(stub.Pid) ?? throw stub.Ended();
        handle.TrySignal(signal).OrThrow("signal pid", stub.Pid);
        if (signal == Signal.SIGKILL)
            return;
        stub.Thread.TryContinue().OrThrow("resume pid", stub.Pid);
        stub.Thread.TryWait(Kernel.Tracing.Deadline.Never);
        while (stub.Thread.LastStop.IsEventStop)
        {
            stub.Thread.TryContinue().OrThrow("resume pid", stub.Pid);
            stub.Thread.TryWait(Kernel.Tracing.Deadline.Never);
        }

        if (stub.Thread.LastStop.IsSignalStop && stub.Thread.LastStop.StopSignal == signal)
            stub.Thread.TryContinue(signal).OrThrow("resume pid", stub.Pid);
    }

    /// <summary>struct kernel_sigaction.</summary>
    private readonly record struct ActionWords(ulong Handler, ulong Flags, ulong Restorer, ulong Mask);
}

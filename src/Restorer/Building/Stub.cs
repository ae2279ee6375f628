using System.Runtime.InteropServices;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Injection;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Syscalls;
using Snap.Kernel.Tracing;
using Snap.Restorer.Checks;

namespace Snap.Restorer.Building;

/// <summary>A process that has nothing but our code in it, stopped, under the id of one to be restored.</summary>
/// <remarks>
/// The root's is started by us; every other by a call in its parent's, a fork, so that it is that one's child. Its memory is a copy of the parent's stub, so
/// all stubs lie at one place. Until it is let go it dies with the thread that traces it: PTRACE_O_EXITKILL passes on to what CLONE_PTRACE attaches.
/// </remarks>
internal sealed class Stub : IDisposable
{
    /// <summary>Bytes of the area with our code, tables and data.</summary>
    public const ulong AreaLength = 256 * 1024;

    /// <summary>Bytes it takes in all: a page of program lies before the area.</summary>
    public const ulong Length = ProgramLength + AreaLength;

    private const ulong ProgramLength = 4096;
    private const int MaxCalls = 1024;
    private const int Options = Ptrace.PTRACE_O_TRACESYSGOOD | Ptrace.PTRACE_O_EXITKILL;

    private readonly RemoteRange _room;

    private Stub(int pid, RemoteRange room, ChildProcess? child, Tracee thread)
    {
        (Pid, _room, Child, Thread) = (pid, room, child, thread);
        Park(thread);
        Fault.Hit(FaultPoint.Rebuild);
        Memory = RemoteMemory.Open(pid);
        Agent = new StubAgent(Memory, Area);
        Batch = Agent.NewBatch(0, (int)(AreaLength - StubAgent.CodeLength), MaxCalls);
    }

    public int Pid { get; }

    /// <summary>Its first thread, parked.</summary>
    public Tracee Thread { get; }

    /// <summary>For the one that we started ourselves.</summary>
    public ChildProcess? Child { get; }

    public RemoteRange Area => new(_room.Start + ProgramLength, AreaLength);

    public RemoteMemory Memory { get; }

    public StubAgent Agent { get; }

    public RemoteBatch Batch { get; }

    /// <summary>Starts the root's.</summary>
    /// <param name="pid">Its pid.</param>
    /// <param name="room">Where it shall lie.</param>
    /// <param name="inherited">What is open in it.</param>
    /// <param name="process">The root.</param>
    public static Stub Start(int pid, RemoteRange room, InheritedDescriptors inherited, ProcessImage process)
    {
        ChildProcess child;
        try
        {
            child = StubProcess.Start(new StubOptions
            {
                Pid = pid,
                Memory = room,
                Descriptors = inherited.Own(process),
                Inherited = inherited.Temporary,
                FirstFree = inherited.FirstFree,
            });
        }
        catch (KernelException taken) when (taken.Errno == Errno.EEXIST)
        {
            throw IdentityCheck.TakenByGroup(pid);
        }

        Fault.Hit(FaultPoint.Rebuild);
        SyscallResult seized = Tracee.TrySeize(pid, Options, out Tracee? leader);
        if (leader is null)
        {
            child.Signal(Signal.SIGKILL);
            child.Wait();
            seized.OrThrow("seize pid", pid);
        }

        leader!.TryInterrupt().OrThrow("interrupt pid", pid);
        return new Stub(pid, room, child, leader);
    }

    /// <summary>Has it make a child.</summary>
    /// <param name="pid">The child's pid.</param>
    /// <param name="exitSignal">What tells of the child's end.</param>
    public Stub Fork(int pid, int exitSignal)
    {
        CallList calls = NewCalls(Thread);
        calls.Room(1, 160);
        ulong arguments = calls.Put(new clone_args { flags = Sched.CLONE_PTRACE, exit_signal = (ulong)exitSignal, set_tid = calls.Put(pid), set_tid_size = 1 });
        calls.CallFor(pid, $"starting pid {pid}", SyscallNumber.clone3, arguments, (ulong)Marshal.SizeOf<clone_args>());
        calls.Flush();
        Fault.Hit(FaultPoint.Rebuild);
        return new Stub(pid, _room, null, Tracee.AdoptAttached(pid));
    }

    /// <summary>Puts its own descriptors in place of its parent's.</summary>
    public void PlaceDescriptors(InheritedDescriptors inherited, ProcessImage process)
    {
        CallList calls = NewCalls(Thread);
        calls.Call("closing the parent's descriptors", SyscallNumber.close_range, 0, (ulong)inherited.FirstFree - 1);
        foreach ((int number, Kernel.Files.FileDescriptor source) in inherited.Own(process))
            calls.CallFor(number, $"putting fd {number} in place", SyscallNumber.dup3, (ulong)source.Number, (ulong)number);
        calls.Flush();
    }

    /// <summary>One call.</summary>
    public void Call(string what, SyscallNumber number, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0)
    {
        CallList calls = NewCalls(Thread);
        calls.Call(what, number, a, b, c, d);
        calls.Flush();
    }

    public CallList NewCalls(Tracee thread) => new(Agent, thread, Batch, Pid);

    /// <summary>Waits until a thread of it is parked.</summary>
    public void Park(Tracee thread)
    {
        thread.TryPark(Deadline.Never);
        if (!thread.IsParked)
            throw Ended();
    }

    public SnapException Ended() => CallList.Failure(Pid, "building it", "it was killed meanwhile");

    /// <summary>Waits for the end of a thread, which as its tracer we have to reap before its parent can.</summary>
    public static void WaitForEnd(Tracee thread)
    {
        do
            thread.TryWait(Deadline.Never);
        while (thread.LastStop.IsStopped);
    }

    /// <inheritdoc/>
    public void Dispose() => Memory.Dispose();
}

using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Tracing;

namespace Snap.Restorer.Tests;

/// <summary>The vector registers of a process that has used none, as this machine lays them out.</summary>
internal static class Registers
{
    private static readonly Lazy<byte[]> _empty = new(ReadFresh);

    public static byte[] EmptyExtendedState() => _empty.Value;

    private static byte[] ReadFresh()
    {
        ChildProcess child = ChildProcess.Start(new SpawnOptions { Program = "sleep", Arguments = ["1000"] });
        byte[] state = [];
        var thread = new Thread(() =>
        {
            using FrozenProcess frozen = FrozenProcess.PrepareOrGone(child.Pid)!;
            frozen.Freeze(Deadline.Never);
            var buffer = new byte[16384];
            state = buffer[..frozen.Threads[0].GetExtendedState(buffer)];
        });
        thread.Start();
        thread.Join();
        child.Signal(Signal.SIGKILL);
        child.Wait();
        return state;
    }
}

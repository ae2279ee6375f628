using Snap.Dumper.Collect;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Dumper.Preflight;

/// <summary>Tells whether anybody at all still has the other end of a pipe.</summary>
internal static class PipeEnds
{
    /// <summary>True if the other end is closed everywhere: nothing of such a pipe lies outside.</summary>
    /// <remarks>poll(2) on a duplicate: a reading end without writers shows POLLHUP, a writing end without readers POLLERR.</remarks>
    public static bool IsOtherClosed(int pid, OpenDescriptor end)
    {
        using ProcessHandle? process = ProcessHandle.OpenOrGone(pid);
        if (process is null || process.TryTakeDescriptor(end.Number, out FileDescriptor? taken).IsError)
            return false;
        using (taken)
            return (taken!.WaitFor(0, 0) & (Poll.POLLHUP | Poll.POLLERR)) != 0;
    }
}

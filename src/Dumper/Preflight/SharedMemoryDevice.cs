using Snap.Kernel.Files;

namespace Snap.Dumper.Preflight;

/// <summary>The kernel's own tmpfs, on which shared anonymous memory, memfds and System V segments lie; memfds of huge pages lie elsewhere.</summary>
internal static class SharedMemoryDevice
{
    /// <summary>Its st_dev.</summary>
    public static ulong Number { get; } = Find();

    private static ulong Find()
    {
        using FileDescriptor probe = FileDescriptor.CreateMemfd("snap-probe");
        return probe.Stat().st_dev;
    }
}

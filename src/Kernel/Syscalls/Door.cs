using System.Runtime.InteropServices;
using Snap.Kernel.Abi;

namespace Snap.Kernel.Syscalls;

/// <summary>The one door to the kernel: every call of this layer goes through here, and comes back with its errno in the value.</summary>
/// <remarks>
/// syscall(2) of libc, whose errno is read by the runtime's own stub before anything else of the runtime can overwrite it.
/// Its six arguments are integers in registers, so calling the variadic C function through a fixed signature is right on x86-64.
/// </remarks>
internal static unsafe partial class Door
{
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long Syscall(long number, ulong a, ulong b, ulong c, ulong d, ulong e, ulong f);

    public static SyscallResult Call(SyscallNumber number, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0, ulong f = 0)
    {
        long value = Syscall((long)number, a, b, c, d, e, f);
        return new SyscallResult(value == -1 ? -Marshal.GetLastPInvokeError() : value);
    }

    /// <summary>Calls again while a signal interrupts it; only for calls that may simply be made again.</summary>
    public static SyscallResult CallRestarting(SyscallNumber number, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0, ulong f = 0)
    {
        SyscallResult result;
        do
            result = Call(number, a, b, c, d, e, f);
        while (result.Errno == Errno.EINTR);
        return result;
    }
}

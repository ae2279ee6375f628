using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Tracing;

/// <summary>The few bytes of machine code that Snap runs in its own process, where managed code can't stand: in a signal handler.</summary>
internal static unsafe class NativeCode
{
    /// <summary>A real-time signal that nobody else in our processes uses; its only purpose is to interrupt a blocking call (EINTR).</summary>
    public const int InterruptSignal = 63;

    private const ulong SA_RESTORER = 0x04000000;

    // handler:  C3                     ret
    // restorer: B8 0F 00 00 00 0F 05   mov eax, 15 (rt_sigreturn); syscall
    private static readonly MappedMemory _code = Install();

    /// <summary>Makes sure the handler is in place.</summary>
    public static void EnsureInterruptHandler() => GC.KeepAlive(_code);

    private static MappedMemory Install()
    {
        MappedMemory code = MappedMemory.Anonymous(4096, executable: true);
        ReadOnlySpan<byte> bytes = [0xC3, 0xB8, 0x0F, 0x00, 0x00, 0x00, 0x0F, 0x05];
        bytes.CopyTo(code.Slice(0, bytes.Length));
        // struct kernel_sigaction: handler, flags, restorer, mask. No SA_RESTART: the call it interrupts has to return.
        ulong* action = stackalloc ulong[4] { code.Address, SA_RESTORER, code.Address + 1, 0 };
        Door.Call(SyscallNumber.rt_sigaction, InterruptSignal, (ulong)action, 0, 8).OrThrow("rt_sigaction");
        return code;
    }
}

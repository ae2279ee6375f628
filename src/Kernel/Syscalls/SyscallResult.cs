using System.Diagnostics.CodeAnalysis;
using Snap.Kernel.Abi;

namespace Snap.Kernel.Syscalls;

/// <summary>What a system call returned: a value, or an errno, as the kernel's own calling convention has it (-4095..-1 is an error).</summary>
/// <param name="Raw">The value in rax.</param>
public readonly record struct SyscallResult(long Raw)
{
    /// <summary>True if the call failed.</summary>
    public bool IsError => Raw is < 0 and >= -4095;

    /// <summary>The error, or <see cref="Errno.None"/>.</summary>
    public Errno Errno => IsError ? (Errno)(-Raw) : Errno.None;

    /// <summary>The value; meaningful only if the call didn't fail.</summary>
    public long Value => Raw;

    /// <summary>The value, or an exception that says what was tried.</summary>
    /// <exception cref="KernelException">The call failed.</exception>
    public long OrThrow(string operation)
    {
        if (IsError)
            Throw(Errno, operation);
        return Raw;
    }

    /// <summary>As <see cref="OrThrow(string)"/>, with a number that is only put into the text when needed.</summary>
    public long OrThrow(string operation, long subject)
    {
        if (IsError)
            Throw(Errno, $"{operation} {subject}");
        return Raw;
    }

    [DoesNotReturn]
    private static void Throw(Errno errno, string operation) => throw new KernelException(errno, operation);
}

using Snap.Kernel.Abi;

namespace Snap.Kernel;

/// <summary>A system call failed in a way its caller has no branch for.</summary>
/// <param name="errno">What the kernel said.</param>
/// <param name="operation">What was tried, with its object: <c>open /proc/4711/maps</c>.</param>
public sealed class KernelException(Errno errno, string operation) : Exception($"{operation}: {errno}")
{
    /// <summary>What the kernel said.</summary>
    public Errno Errno { get; } = errno;

    /// <summary>What was tried.</summary>
    public string Operation { get; } = operation;
}

using System.Runtime.InteropServices;

namespace Snap.Kernel.Procfs;

/// <summary>A file of /proc could not be read for another reason than that its process is gone.</summary>
/// <param name="path">The file.</param>
/// <param name="errno">The error number, never ENOENT or ESRCH unless the file belongs to no process.</param>
public sealed class ProcfsException(string path, int errno)
    : Exception($"cannot read {path}: {Marshal.GetPInvokeErrorMessage(errno)}")
{
    /// <summary>The file or link.</summary>
    public string Path { get; } = path;

    /// <summary>The raw error number (13 is EACCES).</summary>
    public int Errno { get; } = errno;
}

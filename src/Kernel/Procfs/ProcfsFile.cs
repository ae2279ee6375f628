using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Procfs;

/// <summary>One file of /proc, opened once and read whole as often as needed, into a buffer that is kept: a reread allocates nothing.</summary>
/// <remarks>
/// The kernel makes such text anew as it is read, at most about a page a call: a whole read of a running process may mix moments; of a frozen
/// one it doesn't. A kept descriptor of a process's file names that very process: after its death it says "gone", even if the pid lives again.
/// Not safe for several threads.
/// </remarks>
public sealed class ProcfsFile : IDisposable
{
    private readonly FileDescriptor _file;
    private byte[] _buffer;

    private ProcfsFile(string path, FileDescriptor file, int capacity)
    {
        Path = path;
        _file = file;
        _buffer = new byte[capacity];
    }

    /// <summary>The path it was opened by.</summary>
    public string Path { get; }

    /// <summary>Opens <paramref name="path"/>.</summary>
    /// <param name="path">An absolute path, as <see cref="KernelText"/> writes it.</param>
    /// <param name="capacity">Bytes of the buffer at first; it grows when the file is longer.</param>
    /// <returns>Null if there is no such file: the process is gone.</returns>
    /// <exception cref="KernelException">Any error but ENOENT and ESRCH.</exception>
    public static ProcfsFile? OpenOrGone(string path, int capacity = 4096)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        SyscallResult result = FileDescriptor.TryOpen(path, Fcntl.O_RDONLY, 0, out FileDescriptor? file);
        if (file is not null)
            return new ProcfsFile(path, file, capacity);
        return IsGone(result.Errno) ? null : throw new KernelException(result.Errno, $"open {path}");
    }

    /// <summary>Reads a whole file of a process.</summary>
    /// <returns>Null if the process is gone.</returns>
    /// <exception cref="KernelException">Any error but ENOENT and ESRCH.</exception>
    public static byte[]? ReadOrGone(string path)
    {
        using ProcfsFile? file = OpenOrGone(path);
        return file is not null && file.TryRead(out ReadOnlySpan<byte> text) ? text.ToArray() : null;
    }

    /// <summary>Reads a whole file that belongs to no process.</summary>
    /// <exception cref="KernelException">Any error, ENOENT included: this kernel hasn't the file.</exception>
    public static byte[] Read(string path) => ReadOrGone(path) ?? throw new KernelException(Errno.ENOENT, $"read {path}");

    /// <summary>The target of a link, byte for byte (<see cref="KernelText"/>).</summary>
    /// <returns>Null if there is no such link: the process or descriptor is gone, or (exe) it has none, as a kernel thread or a zombie.</returns>
    /// <exception cref="KernelException">Any error but ENOENT and ESRCH.</exception>
    public static string? ReadLinkOrGone(string path)
    {
        // The kernel builds the target in one page, so that nothing longer is ever returned.
        Span<byte> target = stackalloc byte[4096];
        SyscallResult length = FileDescriptor.TryReadLink(path, target);
        if (!length.IsError)
            return KernelText.Decode(target[..(int)length.Value]);
        return IsGone(length.Errno) ? null : throw new KernelException(length.Errno, $"read the link {path}");
    }

    /// <summary>Reads the file from its start to its end.</summary>
    /// <param name="text">Valid until the next read.</param>
    /// <returns>False if the process is gone.</returns>
    /// <exception cref="KernelException">Any error but ENOENT and ESRCH.</exception>
    public bool TryRead(out ReadOnlySpan<byte> text)
    {
        int length = 0;
        while (true)
        {
            if (length == _buffer.Length)
                Array.Resize(ref _buffer, _buffer.Length * 2);
            SyscallResult read = _file.TryReadAt((ulong)length, _buffer.AsSpan(length));
            if (read.IsError)
            {
                text = default;
                return IsGone(read.Errno) ? false : throw new KernelException(read.Errno, $"read {Path}");
            }

            if (read.Value == 0)
                break;
            length += (int)read.Value;
        }

        text = _buffer.AsSpan(0, length);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>True if the process, or this part of it, no longer exists.</summary>
    internal static bool IsGone(Errno errno) => errno is Errno.ENOENT or Errno.ESRCH;
}

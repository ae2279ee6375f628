using Microsoft.Win32.SafeHandles;

namespace Snap.Kernel.Procfs;

/// <summary>One file of /proc, opened once and read whole as often as needed, into a buffer that is kept: a reread allocates nothing.</summary>
/// <remarks>
/// The kernel makes such text anew as it is read, at most about a page a call: a whole read of a running process may mix moments; of a frozen
/// one it doesn't. A kept descriptor of a process's file names that very process: after its death it says "gone", even if the pid lives again.
/// Not safe for several threads.
/// </remarks>
public sealed class ProcfsFile : IDisposable
{
    private readonly SafeFileHandle _file;
    private byte[] _buffer;

    private ProcfsFile(string path, SafeFileHandle file, int capacity)
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
    /// <exception cref="ProcfsException">Any error but ENOENT and ESRCH.</exception>
    public static ProcfsFile? OpenOrGone(string path, int capacity = 4096)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        SafeFileHandle file = ProcfsCalls.Open(path, directory: false, out int errno);
        if (errno == 0)
            return new ProcfsFile(path, file, capacity);
        file.Dispose();
        return ProcfsCalls.IsGone(errno) ? null : throw new ProcfsException(path, errno);
    }

    /// <summary>Reads a whole file of a process.</summary>
    /// <returns>Null if the process is gone.</returns>
    /// <exception cref="ProcfsException">Any error but ENOENT and ESRCH.</exception>
    public static byte[]? ReadOrGone(string path)
    {
        using ProcfsFile? file = OpenOrGone(path);
        return file is not null && file.TryRead(out ReadOnlySpan<byte> text) ? text.ToArray() : null;
    }

    /// <summary>Reads a whole file that belongs to no process.</summary>
    /// <exception cref="ProcfsException">Any error, ENOENT included: this kernel hasn't the file.</exception>
    public static byte[] Read(string path) => ReadOrGone(path) ?? throw new ProcfsException(path, ProcfsCalls.Enoent);

    /// <summary>The target of a link, byte for byte (<see cref="KernelText"/>).</summary>
    /// <returns>Null if there is no such link: the process or descriptor is gone, or (exe) it has none, as a kernel thread or a zombie.</returns>
    /// <exception cref="ProcfsException">Any error but ENOENT and ESRCH.</exception>
    public static string? ReadLinkOrGone(string path)
    {
        // The kernel builds the target in one page, so that nothing longer is ever returned.
        Span<byte> target = stackalloc byte[4096];
        nint length = ProcfsCalls.ReadLink(path, target);
        if (length >= 0)
            return KernelText.Decode(target[..(int)length]);
        return ProcfsCalls.IsGone((int)-length) ? null : throw new ProcfsException(path, (int)-length);
    }

    /// <summary>Reads the file from its start to its end.</summary>
    /// <param name="text">Valid until the next read.</param>
    /// <returns>False if the process is gone.</returns>
    /// <exception cref="ProcfsException">Any error but ENOENT and ESRCH.</exception>
    public bool TryRead(out ReadOnlySpan<byte> text)
    {
        int length = 0;
        while (true)
        {
            if (length == _buffer.Length)
                Array.Resize(ref _buffer, _buffer.Length * 2);
            nint read = ProcfsCalls.Read(_file, _buffer.AsSpan(length), length);
            if (read == 0)
                break;
            if (read < 0)
            {
                text = default;
                return ProcfsCalls.IsGone((int)-read) ? false : throw new ProcfsException(Path, (int)-read);
            }

            length += (int)read;
        }

        text = _buffer.AsSpan(0, length);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}

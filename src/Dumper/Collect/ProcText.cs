using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;

namespace Snap.Dumper.Collect;

/// <summary>Reads small files one after the other into one buffer that is kept.</summary>
internal sealed class ProcText
{
    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(16 * 1024);

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="text">Valid until the next read.</param>
    /// <returns>False if there is no such file, or its process is gone.</returns>
    /// <exception cref="KernelException">Any other error.</exception>
    public bool TryRead(string path, out ReadOnlySpan<byte> text)
    {
        text = default;
        SyscallResult opened = FileDescriptor.TryOpen(path, Fcntl.O_RDONLY, 0, out FileDescriptor? file);
        if (opened.Errno is Errno.ENOENT or Errno.ESRCH)
            return false;
        opened.OrThrow("open " + path);
        using (file)
            return TryRead(file!, out text);
    }

    /// <summary>Reads a whole file that is open already, from its start.</summary>
    public bool TryRead(FileDescriptor file, out ReadOnlySpan<byte> text)
    {
        text = default;
        int length = 0;
        while (true)
        {
            if (length == _buffer.Length)
                Array.Resize(ref _buffer, _buffer.Length * 2);
            SyscallResult read = file.TryReadAt((ulong)length, _buffer.AsSpan(length));
            if (read.Errno is Errno.ENOENT or Errno.ESRCH)
                return false;
            if (read.OrThrow("read a file of /proc") == 0)
                break;
            length += (int)read.Value;
        }

        text = _buffer.AsSpan(0, length);
        return true;
    }
}

using System.Buffers.Binary;
using Snap.Kernel.Abi;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Files;

/// <summary>Lists the numeric names of a directory (/proc/PID/task, /proc/PID/fd) again and again over one kept descriptor, without allocating.</summary>
/// <remarks>getdents64(2): struct linux_dirent64 is d_ino u64, d_off s64, d_reclen u16 at 16, d_type u8, d_name at 19.</remarks>
public sealed unsafe class DirectoryReader : IDisposable
{
    private readonly FileDescriptor _directory;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(32 * 1024, pinned: true);

    private DirectoryReader(FileDescriptor directory) => _directory = directory;

    /// <summary>Opens a directory.</summary>
    /// <returns>Null if it doesn't exist (the process is gone).</returns>
    public static DirectoryReader? OpenOrGone(string path)
    {
        SyscallResult opened = FileDescriptor.TryOpen(path, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY, 0, out FileDescriptor? directory);
        if (opened.Errno is Errno.ENOENT or Errno.ESRCH)
            return null;
        opened.OrThrow($"open {path}");
        return new DirectoryReader(directory!);
    }

    /// <summary>Replaces the contents of <paramref name="into"/> by the numbers in the directory.</summary>
    /// <returns>False if the directory's process is gone.</returns>
    public bool TryList(List<int> into)
    {
        into.Clear();
        if (_directory.TrySeek(0, Fcntl.SEEK_SET).IsError)
            return false;
        fixed (byte* buffer = _buffer)
        {
            while (true)
            {
                SyscallResult got = Door.Call(SyscallNumber.getdents64, (ulong)_directory.Number, (ulong)buffer, (ulong)_buffer.Length);
                if (got.IsError)
                    return got.Errno is Errno.ENOENT or Errno.ESRCH ? false : throw new KernelException(got.Errno, "list a directory");
                if (got.Value == 0)
                    return into.Count > 0;
                for (int at = 0; at < got.Value;)
                {
                    var entry = new ReadOnlySpan<byte>(buffer + at, (int)got.Value - at);
                    AddNumber(entry[19..], into);
                    at += BinaryPrimitives.ReadUInt16LittleEndian(entry[16..]);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _directory.Dispose();

    private static void AddNumber(ReadOnlySpan<byte> name, List<int> into)
    {
        int number = 0;
        for (int i = 0; name[i] != 0; i++)
        {
            if (name[i] is < (byte)'0' or > (byte)'9')
                return;
            number = (number * 10) + (name[i] - '0');
        }

        into.Add(number);
    }
}

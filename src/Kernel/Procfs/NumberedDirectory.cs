using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Snap.Kernel.Procfs;

/// <summary>A directory of /proc whose entries are numbers (fd, task, /proc itself), opened once and listed as often as needed.</summary>
/// <remarks>Layout of an entry: u64 inode, u64 offset, u16 length of the entry, u8 type, name, NUL. Not safe for several threads.</remarks>
public sealed class NumberedDirectory : IDisposable
{
    private const int LengthOffset = 16;
    private const int NameOffset = 19;

    private readonly SafeFileHandle _directory;
    private readonly byte[] _buffer = new byte[32 * 1024];

    private NumberedDirectory(string path, SafeFileHandle directory)
    {
        Path = path;
        _directory = directory;
    }

    /// <summary>The path it was opened by.</summary>
    public string Path { get; }

    /// <summary>Opens <paramref name="path"/>.</summary>
    /// <returns>Null if the process is gone.</returns>
    /// <exception cref="ProcfsException">Any error but ENOENT and ESRCH.</exception>
    public static NumberedDirectory? OpenOrGone(string path)
    {
        SafeFileHandle directory = ProcfsCalls.Open(path, directory: true, out int errno);
        if (errno == 0)
            return new NumberedDirectory(path, directory);
        directory.Dispose();
        return ProcfsCalls.IsGone(errno) ? null : throw new ProcfsException(path, errno);
    }

    /// <summary>The numbers in the directory, ascending.</summary>
    /// <returns>Null if the process is gone.</returns>
    /// <exception cref="ProcfsException">Any error but ENOENT and ESRCH.</exception>
    public static List<int>? ListOrGone(string path)
    {
        using NumberedDirectory? directory = OpenOrGone(path);
        var numbers = new List<int>();
        return directory is not null && directory.TryList(numbers) ? numbers : null;
    }

    /// <summary>Replaces <paramref name="into"/> by the numbers in the directory, ascending. Allocates only if the list has to grow.</summary>
    /// <returns>False if the process is gone; the list is then empty.</returns>
    /// <exception cref="ProcfsException">Any error but ENOENT and ESRCH.</exception>
    public bool TryList(List<int> into)
    {
        into.Clear();
        ProcfsCalls.Rewind(_directory);
        nint read;
        while ((read = ProcfsCalls.ReadDirectory(_directory, _buffer)) > 0)
        {
            for (ReadOnlySpan<byte> rest = _buffer.AsSpan(0, (int)read); !rest.IsEmpty;)
            {
                int length = BinaryPrimitives.ReadUInt16LittleEndian(rest[LengthOffset..]);
                ReadOnlySpan<byte> name = rest[NameOffset..length];
                if (TryParseName(name[..name.IndexOf((byte)0)], out int number))
                    into.Add(number);
                rest = rest[length..];
            }
        }

        if (read < 0)
        {
            into.Clear();
            return ProcfsCalls.IsGone((int)-read) ? false : throw new ProcfsException(Path, (int)-read);
        }

        into.Sort();
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _directory.Dispose();

    private static bool TryParseName(ReadOnlySpan<byte> name, out int number) =>
        System.Buffers.Text.Utf8Parser.TryParse(name, out number, out int consumed) && consumed == name.Length && number >= 0;
}

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Snap.Kernel.Procfs;

/// <summary>The few system calls that reading /proc takes; raw bytes in and out, because .NET's file API decodes link targets lossily.</summary>
internal static unsafe partial class ProcfsCalls
{
    internal const int Enoent = 2;
    internal const int Esrch = 3;
    private const int Eintr = 4;
    private const int OpenReadOnlyCloseOnExec = 0x80000;
    private const int OpenDirectory = 0x10000;

    /// <summary>True if <paramref name="errno"/> says that the process, or this part of it, no longer exists.</summary>
    internal static bool IsGone(int errno) => errno is Enoent or Esrch;

    /// <summary>Opens for reading; an invalid handle and the error number if that fails.</summary>
    internal static SafeFileHandle Open(string path, bool directory, out int errno)
    {
        byte[] encoded = KernelText.EncodeTerminated(path);
        fixed (byte* bytes = encoded)
        {
            int fd;
            do
            {
                fd = open(bytes, OpenReadOnlyCloseOnExec | (directory ? OpenDirectory : 0));
                errno = fd < 0 ? Marshal.GetLastPInvokeError() : 0;
            }
            while (errno == Eintr);
            return new SafeFileHandle(fd, ownsHandle: true);
        }
    }

    /// <summary>Bytes read at <paramref name="offset"/>, 0 at the end, or the negated error number.</summary>
    internal static nint Read(SafeFileHandle file, Span<byte> into, long offset)
    {
        fixed (byte* bytes = into)
        {
            while (true)
            {
                nint read = pread(file, bytes, (nuint)into.Length, offset);
                if (read >= 0)
                    return read;
                int errno = Marshal.GetLastPInvokeError();
                if (errno != Eintr)
                    return -errno;
            }
        }
    }

    /// <summary>Sets the position of a directory back to its start.</summary>
    internal static void Rewind(SafeFileHandle directory) => _ = lseek(directory, 0, 0);

    /// <summary>Bytes of directory entries read, 0 at the end, or the negated error number.</summary>
    internal static nint ReadDirectory(SafeFileHandle directory, Span<byte> into)
    {
        fixed (byte* bytes = into)
        {
            nint read = getdents64(directory, bytes, (nuint)into.Length);
            return read >= 0 ? read : -Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>Length of the link's target, cut to the length of <paramref name="into"/>, or the negated error number.</summary>
    internal static nint ReadLink(string path, Span<byte> into)
    {
        byte[] encoded = KernelText.EncodeTerminated(path);
        fixed (byte* bytes = encoded)
        fixed (byte* target = into)
        {
            nint length = readlink(bytes, target, (nuint)into.Length);
            return length >= 0 ? length : -Marshal.GetLastPInvokeError();
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(SafeFileHandle fd, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(SafeFileHandle fd, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint getdents64(SafeFileHandle fd, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint readlink(byte* path, byte* buffer, nuint count);
}

// MARKED: one of the two files of the store with unsafe code (the other is Blocks/Zstd.cs). System calls that .NET has no managed form of:
// fdatasync without fsync, read-ahead, OFD locks, O_EXCL with a mode, sync of a directory, fallocate, the owner of a directory.
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Snap.Store.Disk;

internal static unsafe partial class PosixCalls
{
    public const int O_RDONLY = 0, O_RDWR = 2, O_CREAT = 0x40, O_EXCL = 0x80, O_DIRECTORY = 0x10000, O_NOFOLLOW = 0x20000, O_CLOEXEC = 0x80000;
    private const int F_OFD_GETLK = 36, F_OFD_SETLK = 37;
    private const short F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2;

    /// <returns>A descriptor, or minus errno.</returns>
    public static int Open(string path, int flags, uint mode) => Result(open(path, flags, mode));

    public static long Read(SafeFileHandle file, Span<byte> into, long offset)
    {
        fixed (byte* p = into)
        {
            while (true)
            {
                long read = Result(pread(file, p, (nuint)into.Length, offset));
                if (read != -DiskFailure.EINTR)
                    return read;
            }
        }
    }

    public static long Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        fixed (byte* p = bytes)
        {
            while (true)
            {
                long written = Result(pwrite(file, p, (nuint)bytes.Length, offset));
                if (written != -DiskFailure.EINTR)
                    return written;
            }
        }
    }

    /// <summary>A hint: whether the kernel follows it doesn't matter.</summary>
    public static void ReadAhead(SafeFileHandle file, long offset, long length)
    {
        const int POSIX_FADV_WILLNEED = 3;
        _ = posix_fadvise(file, offset, length, POSIX_FADV_WILLNEED);
    }

    public static int SyncData(SafeFileHandle file) => Result(fdatasync(file));

    public static int Sync(SafeFileHandle file) => Result(fsync(file));

    public static int Truncate(SafeFileHandle file, long length) => Result(ftruncate(file, length));

    /// <summary>Allocates without holes; the file's length grows to it.</summary>
    public static int Allocate(SafeFileHandle file, long length) => Result(fallocate(file, 0, 0, length));

    public static long Length(SafeFileHandle file) => Result(lseek(file, 0, 2));

    public static int Unlink(string path) => Result(unlink(path));

    public static int Rename(string from, string to) => Result(rename(from, to));

    public static int MakeDirectory(string path, uint mode) => Result(mkdir(path, mode));

    public static int SetLock(SafeFileHandle file, long offset, long length, bool? exclusive)
    {
        FileLock request = new()
        {
            l_type = exclusive switch { true => F_WRLCK, false => F_RDLCK, null => F_UNLCK },
            l_start = offset,
            l_len = length,
        };
        return Result(fcntl(file, F_OFD_SETLK, &request));
    }

    /// <returns>1 if another open file holds a lock in the range, 0 if none does, or minus errno.</returns>
    public static int TestLock(SafeFileHandle file, long offset, long length)
    {
        FileLock request = new() { l_type = F_WRLCK, l_start = offset, l_len = length };
        int result = Result(fcntl(file, F_OFD_GETLK, &request));
        return result < 0 ? result : request.l_type == F_UNLCK ? 0 : 1;
    }

    /// <returns>The owner's uid, or minus errno.</returns>
    public static long Owner(string path)
    {
        // struct statx has 256 bytes; stx_uid lies at offset 20, behind mask, blksize, attributes (8) and nlink.
        byte* buffer = stackalloc byte[256];
        const int AT_FDCWD = -100, STATX_UID = 8;
        int result = Result(statx(AT_FDCWD, path, 0, STATX_UID, buffer));
        return result < 0 ? result : *(uint*)(buffer + 20);
    }

    public static uint EffectiveUser() => geteuid();

    // errno is read by the marshaller right after the call (SetLastError), before the runtime can overwrite it.
    private static int Result(int value) => value >= 0 ? value : -Marshal.GetLastPInvokeError();

    private static long Result(long value) => value >= 0 ? value : -Marshal.GetLastPInvokeError();

    [StructLayout(LayoutKind.Sequential)]
    private struct FileLock // struct flock of <fcntl.h>
    {
        public short l_type;
        public short l_whence;
        public long l_start;
        public long l_len;
        public int l_pid;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(SafeFileHandle fd, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwrite(SafeFileHandle fd, byte* buffer, nuint count, long offset);

    [LibraryImport("libc")]
    private static partial int posix_fadvise(SafeFileHandle fd, long offset, long length, int advice);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(SafeFileHandle fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(SafeFileHandle fd, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(SafeFileHandle fd, int mode, long offset, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(SafeFileHandle fd, long offset, int whence);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int unlink(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rename(string from, string to);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkdir(string path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeFileHandle fd, int command, FileLock* argument);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, byte* buffer);

    [LibraryImport("libc")]
    private static partial uint geteuid();
}

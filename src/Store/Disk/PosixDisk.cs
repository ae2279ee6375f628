using Microsoft.Win32.SafeHandles;

namespace Snap.Store.Disk;

/// <summary>The real disk: a directory of a Linux file system.</summary>
/// <param name="root">Absolute path of the store's directory.</param>
internal sealed class PosixDisk(string root) : IDisk
{
    private const uint FileMode = 0x180; // 0600: memory holds keys and passwords
    private const uint DirectoryMode = 0x1C0; // 0700

    public string Describe(string path) => path.Length == 0 ? root : Path.Combine(root, path);

    public string? CacheDirectory(string path) => Describe(path);

    public IDiskFile? OpenOrNull(string path, bool forWriting)
    {
        int flags = (forWriting ? PosixCalls.O_RDWR : PosixCalls.O_RDONLY) | PosixCalls.O_CLOEXEC | PosixCalls.O_NOFOLLOW;
        int fd = PosixCalls.Open(Describe(path), flags, 0);
        if (fd is -DiskFailure.ENOENT or -DiskFailure.ENOTDIR)
            return null;
        return new PosixFile(new SafeFileHandle(Checked(fd, "open a file of", path), ownsHandle: true), Describe(path));
    }

    public IDiskFile CreateNew(string path)
    {
        const int Flags = PosixCalls.O_RDWR | PosixCalls.O_CREAT | PosixCalls.O_EXCL | PosixCalls.O_CLOEXEC | PosixCalls.O_NOFOLLOW;
        int fd = Checked(PosixCalls.Open(Describe(path), Flags, FileMode), "create a file in", path);
        return new PosixFile(new SafeFileHandle(fd, ownsHandle: true), Describe(path));
    }

    public IDiskFile OpenOrCreate(string path)
    {
        const int Flags = PosixCalls.O_RDWR | PosixCalls.O_CREAT | PosixCalls.O_CLOEXEC | PosixCalls.O_NOFOLLOW;
        int fd = Checked(PosixCalls.Open(Describe(path), Flags, FileMode), "create a file in", path);
        return new PosixFile(new SafeFileHandle(fd, ownsHandle: true), Describe(path));
    }

    public IReadOnlyList<string> List(string directory)
    {
        string full = Describe(directory);
        if (!Directory.Exists(full))
            return [];
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(full).Select(entry => Path.GetFileName(entry))];
        }
        catch (UnauthorizedAccessException)
        {
            throw DiskFailure.Make("list a directory of", full, DiskFailure.EACCES);
        }
        catch (IOException)
        {
            throw DiskFailure.Make("list a directory of", full, DiskFailure.EIO);
        }
    }

    public void CreateDirectory(string path)
    {
        int result = PosixCalls.MakeDirectory(Describe(path), DirectoryMode);
        if (result != -DiskFailure.EEXIST)
            Checked(result, "create a directory of", path);
    }

    public void Rename(string from, string to) => Checked(PosixCalls.Rename(Describe(from), Describe(to)), "rename a file of", from);

    public void Unlink(string path)
    {
        int result = PosixCalls.Unlink(Describe(path));
        if (result != -DiskFailure.ENOENT)
            Checked(result, "remove a file of", path);
    }

    public void SyncDirectory(string path)
    {
        const int Flags = PosixCalls.O_RDONLY | PosixCalls.O_DIRECTORY | PosixCalls.O_CLOEXEC;
        int fd = Checked(PosixCalls.Open(Describe(path), Flags, 0), "open a directory of", path);
        using var handle = new SafeFileHandle(fd, ownsHandle: true);
        Checked(PosixCalls.Sync(handle), "sync a directory of", path);
    }

    private int Checked(int result, string verb, string path) =>
        result >= 0 ? result : throw DiskFailure.Make(verb, Describe(path), -result);

    private sealed class PosixFile(SafeFileHandle handle, string path) : IDiskFile
    {
        public long Length => Checked(PosixCalls.Length(handle), "measure a file of");

        public int Read(Span<byte> into, long offset)
        {
            int done = 0;
            while (done < into.Length)
            {
                long read = Checked(PosixCalls.Read(handle, into[done..], offset + done), "read from");
                if (read == 0)
                    break;
                done += (int)read;
            }
            return done;
        }

        public void Expect(long offset, long length) => PosixCalls.ReadAhead(handle, offset, length);

        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            while (bytes.Length > 0)
            {
                long written = Checked(PosixCalls.Write(handle, bytes, offset), "write to");
                bytes = bytes[(int)written..];
                offset += written;
            }
        }

        public void Truncate(long length) => Checked(PosixCalls.Truncate(handle, length), "cut a file of");

        public void Reserve(long length) => Checked(PosixCalls.Allocate(handle, length), "reserve room for");

        public void SyncData() => Checked(PosixCalls.SyncData(handle), "sync");

        public bool TryLock(long offset, long length, bool exclusive)
        {
            int result = PosixCalls.SetLock(handle, offset, length, exclusive);
            if (result is -DiskFailure.EAGAIN or -DiskFailure.EACCES)
                return false;
            Checked(result, "lock");
            return true;
        }

        public void Unlock(long offset, long length) => Checked(PosixCalls.SetLock(handle, offset, length, null), "unlock");

        public bool IsLockedByOthers(long offset, long length) => Checked(PosixCalls.TestLock(handle, offset, length), "test a lock of") == 1;

        public void Dispose() => handle.Dispose();

        private long Checked(long result, string verb) => result >= 0 ? result : throw DiskFailure.Make(verb, path, (int)-result);
    }
}

using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Snap.Kernel.Procfs;

namespace Snap.Kernel.Tests.Procfs;

/// <summary>Makes real descriptors of each kind in this process, and reads back what was put into them.</summary>
public class DescriptorInfoTests
{
    [Fact]
    public void Eventfd_shows_its_counter()
    {
        using var file = new SafeFileHandle(Checked(eventfd(0xabcdef, 0x80801)), true);
        (DescriptorTarget target, DescriptorInfo info) = Read(file);
        Assert.Equal(DescriptorKind.AnonymousInode, target.Kind);
        Assert.Equal("eventfd", target.Name);
        Assert.Equal(0xabcdefUL, info.Event!.Count);
        Assert.True(info.Event.IsSemaphore ?? true);
        Assert.True(info.IsCloseOnExec);
        Assert.Equal(0x800u, info.Flags & 0x800);
    }

    [Fact]
    public void Epoll_shows_what_is_registered()
    {
        using var epoll = new SafeFileHandle(Checked(epoll_create1(0x80000)), true);
        using var first = new SafeFileHandle(Checked(eventfd(0, 0x80000)), true);
        using var second = new SafeFileHandle(Checked(eventfd(0, 0x80000)), true);
        Register(epoll, first, 0x80000001, 0xfedcba9876543210);
        Register(epoll, second, 0x40000004, 5);
        (DescriptorTarget target, DescriptorInfo info) = Read(epoll);
        Assert.Equal("eventpoll", target.Name);
        var byNumber = info.Epoll.ToDictionary(entry => entry.Descriptor);
        Assert.Equal(2, byNumber.Count);
        EpollRegistration one = byNumber[(int)first.DangerousGetHandle()];
        Assert.Equal(0x80000001u, one.Events & 0x80000001);
        Assert.Equal(0xfedcba9876543210, one.Data);
        Assert.Equal(5UL, byNumber[(int)second.DangerousGetHandle()].Data);
    }

    [Fact]
    public void Timerfd_shows_clock_period_and_time_left()
    {
        using var timer = new SafeFileHandle(Checked(timerfd_create(1, 0x80000)), true);
        Checked(timerfd_settime(timer, 0, [7, 11, 1000, 13], 0));
        (DescriptorTarget target, DescriptorInfo info) = Read(timer);
        Assert.Equal("timerfd", target.Name);
        Assert.Equal(1, info.Timer!.Clock);
        Assert.Equal((7UL, 11UL), (info.Timer.IntervalSeconds, info.Timer.IntervalNanoseconds));
        Assert.InRange(info.Timer.ValueSeconds, 1UL, 1000UL);
        Assert.Equal(0UL, info.Timer.Ticks);
    }

    [Fact]
    public void Signalfd_shows_its_mask()
    {
        using var file = new SafeFileHandle(Checked(signalfd(-1, [0x8000_0000_0000_0200], 0x80000)), true);
        (DescriptorTarget target, DescriptorInfo info) = Read(file);
        Assert.Equal("signalfd", target.Name);
        Assert.Equal(0x8000_0000_0000_0200, info.SignalMask);
    }

    [Fact]
    public void Inotify_shows_its_watches_with_the_file_handle()
    {
        using var file = new SafeFileHandle(Checked(inotify_init1(0x80000)), true);
        int watch = Checked(inotify_add_watch(file, "/tmp", 0x102));
        (DescriptorTarget target, DescriptorInfo info) = Read(file);
        Assert.Equal("inotify", target.Name);
        InotifyWatch read = Assert.Single(info.Inotify);
        Assert.Equal(watch, read.Watch);
        Assert.Equal(0x102u, read.Mask & 0xfff);
        Assert.NotEqual(0UL, read.Inode);
    }

    [Fact]
    public void Pidfd_shows_the_process_and_its_death()
    {
        using SpawnedProcess child = SpawnedProcess.Start("cat");
        using var file = new SafeFileHandle(Checked((int)syscall(434, child.Pid, 0)), true);
        Assert.Equal(child.Pid, Read(file).Info.Process!.Pid);
        child.Kill();
        child.Reap();
        Assert.Equal(-1, Read(file).Info.Process!.Pid);
    }

    [Fact]
    public void Memfd_pipe_and_socket_are_told_apart_by_their_links()
    {
        using var memfd = new SafeFileHandle(Checked(memfd_create("a b\n\\", 1)), true);
        (DescriptorTarget target, DescriptorInfo info) = Read(memfd);
        Assert.Equal(DescriptorKind.Memfd, target.Kind);
        Assert.Equal("a b\n\\", target.Name);
        Assert.Equal(2u, info.AccessMode);
        using var pipe = new System.IO.Pipes.AnonymousPipeServerStream();
        Assert.Equal(DescriptorKind.Pipe, Read(pipe.SafePipeHandle).Target.Kind);
        using var socket = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        (target, info) = Read(socket.SafeHandle);
        Assert.Equal(DescriptorKind.Socket, target.Kind);
        Assert.Equal(target.Number, info.Inode);
    }

    [Fact]
    public void A_file_shows_position_flags_and_every_lock()
    {
        string path = Path.Combine(Path.GetTempPath(), $"snap-lock-{Guid.NewGuid():N}");
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite, 0, FileOptions.DeleteOnClose);
        file.Write(new byte[100]);
        file.Position = 42;
        Checked(flock(file.SafeFileHandle, 5));
        Checked(SetLock(file.SafeFileHandle, 6, [1, 5, 10, 0]));
        Checked(SetLock(file.SafeFileHandle, 37, [1, 100, 0, 0]));
        _ = file.Seek(42, SeekOrigin.Begin);
        file.ReadByte();
        (DescriptorTarget target, DescriptorInfo info) = Read(file.SafeFileHandle);
        Assert.Equal((DescriptorKind.Path, path, false), (target.Kind, target.Name, target.IsDeleted));
        Assert.Equal(2u, info.AccessMode);
        Assert.NotNull(info.MountId);
        FileLock posix = Assert.Single(info.Locks, held => held.Kind == FileLockKind.Posix);
        Assert.Equal((5UL, 14UL, true, Environment.ProcessId), (posix.Start, posix.Last, posix.IsExclusive, posix.Pid));
        FileLock description = Assert.Single(info.Locks, held => held.Kind == FileLockKind.OpenFileDescription);
        Assert.Equal((100UL, true, -1), (description.Start, description.ReachesEnd, description.Pid));
        FileLock whole = Assert.Single(info.Locks, held => held.Kind == FileLockKind.Flock);
        Assert.Equal((0UL, true, "READ"), (whole.Start, whole.ReachesEnd, whole.Mode));
        Assert.Equal(info.Inode ?? whole.Inode, whole.Inode);
        Assert.Equal(whole.Device, posix.Device);
    }

    [Fact]
    public void Lines_that_are_not_known_are_kept()
    {
        DescriptorInfo info = DescriptorInfoParser.Parse(
            "pos:\t0\nflags:\t02\nmnt_id:\t9\nnew-key:\t a b \nodd line\nSqMask:\t0x7\nfanotify flags:0 event-flags:8000\nscm_fds: 3\n"u8);
        Assert.Equal([new("new-key", "a b"), new("odd line", ""), new("SqMask", "0x7")], info.Others);
        Assert.Equal(["flags:0 event-flags:8000"], info.Fanotify);
        Assert.Equal(3u, info.DescriptorsUnderway);
        Assert.Null(info.Inode);
    }

    [Fact]
    public void Cut_or_mangled_fdinfo_gives_only_the_documented_exception()
    {
        byte[] text = Encoding.UTF8.GetBytes(
            "pos:\t12\nflags:\t02000002\nmnt_id:\t17\nino:\t26\nlock:\t1: POSIX  ADVISORY  WRITE 3415 fe:00:11657336 100 EOF\n"
            + "lock:\t2: LEASE  BREAKING READ -1 <none>:0 0 5\neventfd-count:                5\neventfd-id: 1\neventfd-semaphore: 1\n"
            + "tfd:        5 events:       19 data:                5  pos:0 ino:1c4d sdev:f\nclockid: 1\nticks: 0\nsettime flags: 01\n"
            + "it_value: (99, 998740075)\nit_interval: (1, 5)\nsigmask:\t0000000000000200\nPid:\t3415\nNSpid:\t3415\t1\nscm_fds: 1\n"
            + "inotify wd:1 ino:3c570 sdev:fe00000 mask:fff ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:70c5030000000000\n");
        Assert.Equal(8, DescriptorInfoParser.Parse(text).Inotify[0].Handle.Length);
        ParserFuzz.Run(text, bytes => DescriptorInfoParser.Parse(bytes), mutations: 20000);
    }

    [Fact]
    public void All_descriptors_of_this_process_are_understood()
    {
        foreach (int descriptor in TaskFiles.Self.ListDescriptors()!)
        {
            // One may be closed by another test meanwhile.
            if (TaskFiles.Self.ReadDescriptorTarget(descriptor) is not { } target)
                continue;
            Assert.NotEqual(DescriptorKind.Other, target.Kind);
            _ = TaskFiles.Self.ReadDescriptorInfo(descriptor);
        }
    }

    private static (DescriptorTarget Target, DescriptorInfo Info) Read(SafeHandle file)
    {
        int number = (int)file.DangerousGetHandle();
        Assert.Contains(number, TaskFiles.Self.ListDescriptors()!);
        return (TaskFiles.Self.ReadDescriptorTarget(number)!, TaskFiles.Self.ReadDescriptorInfo(number)!);
    }

    private static void Register(SafeFileHandle epoll, SafeFileHandle file, uint events, ulong data)
    {
        var packed = new byte[12];
        BitConverter.TryWriteBytes(packed, events);
        BitConverter.TryWriteBytes(packed.AsSpan(4), data);
        Checked(epoll_ctl(epoll, 1, file, packed));
    }

    private static int Checked(int result) =>
        result >= 0 ? result : throw new InvalidOperationException($"errno {Marshal.GetLastPInvokeError()}");

    /// <param name="lockWords">type, start, length, unused; packed into struct flock.</param>
    private static int SetLock(SafeFileHandle file, int command, long[] lockWords)
    {
        var packed = new byte[32];
        BitConverter.TryWriteBytes(packed, (short)lockWords[0]);
        BitConverter.TryWriteBytes(packed.AsSpan(8), lockWords[1]);
        BitConverter.TryWriteBytes(packed.AsSpan(16), lockWords[2]);
        return fcntl(file, command, packed);
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int fcntl(SafeFileHandle file, int command, byte[] flock);

    [DllImport("libc", SetLastError = true)]
    private static extern int flock(SafeFileHandle file, int operation);

    [DllImport("libc", SetLastError = true)]
    private static extern int eventfd(uint count, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int epoll_create1(int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int epoll_ctl(SafeFileHandle epoll, int operation, SafeFileHandle file, byte[] packedEvent);

    [DllImport("libc", SetLastError = true)]
    private static extern int timerfd_create(int clock, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int timerfd_settime(SafeFileHandle timer, int flags, long[] intervalAndValue, nint old);

    [DllImport("libc", SetLastError = true)]
    private static extern int signalfd(int file, ulong[] mask, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int inotify_init1(int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int inotify_add_watch(SafeFileHandle inotify, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mask);

    [DllImport("libc", SetLastError = true)]
    private static extern int memfd_create([MarshalAs(UnmanagedType.LPUTF8Str)] string name, uint flags);

    [DllImport("libc", SetLastError = true)]
    private static extern long syscall(long number, long first, long second);
}

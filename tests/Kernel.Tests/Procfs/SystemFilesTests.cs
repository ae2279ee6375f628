using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Snap.Kernel.Procfs;

namespace Snap.Kernel.Tests.Procfs;

public class SystemFilesTests
{
    [Fact]
    public void Boot_and_processor_are_those_of_the_files()
    {
        Assert.Equal(File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(), SystemFiles.ReadBootId());
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"btime {SystemFiles.ReadBootTime()}\n"), File.ReadAllText("/proc/stat"));
        CpuInfo cpu = SystemFiles.ReadCpuInfo();
        Assert.Contains("fpu", cpu.Flags);
        Assert.Contains("sse2", cpu.Flags);
        Assert.Throws<ProcfsFormatException>(() => SystemFiles.ParseBootTime("cpu 1 2\n"u8));
    }

    [Fact]
    public void Our_child_is_in_the_table_and_among_our_children()
    {
        using SpawnedProcess child = SpawnedProcess.Start("cat");
        ProcStat stat = Assert.Single(ProcessTable.ReadAll(), stat => stat.Pid == child.Pid);
        Assert.Equal(Environment.ProcessId, stat.ParentPid);
        Assert.Contains(child.Pid, ProcessTable.ReadChildren(Environment.ProcessId)!);
        Assert.Empty(ProcessTable.ReadChildren(child.Pid)!);
        child.Kill();
        child.Reap();
        Assert.Null(ProcessTable.ReadChildren(child.Pid));
        Assert.DoesNotContain(child.Pid, ProcessTable.ListPids());
    }

    [Fact]
    public void A_new_process_gets_the_last_pid()
    {
        int before = SystemFiles.ReadLastPid();
        using SpawnedProcess child = SpawnedProcess.Start("cat");
        // Others may have come before and after it, and the numbers begin anew at the end.
        Assert.NotEqual(before, SystemFiles.ReadLastPid());
        child.Kill();
        child.Reap();
        Assert.Equal(4711, SystemFiles.ParseLastPid("0.18 1.38 2.40 3/245 4711\n"u8));
        ParserFuzz.Run("0.18 1.38 2.40 3/245 4711\n"u8.ToArray(), bytes => SystemFiles.ParseLastPid(bytes));
    }

    [Fact]
    public void Children_are_numbers_with_a_blank_behind_each()
    {
        Assert.Equal([3, 44], ProcessTable.ParseChildren("3 44 "u8));
        Assert.Empty(ProcessTable.ParseChildren(""u8));
        Assert.Throws<ProcfsFormatException>(() => ProcessTable.ParseChildren("3 4"u8));
        ParserFuzz.Run("3 44 555 "u8.ToArray(), bytes => ProcessTable.ParseChildren(bytes));
    }

    [Fact]
    public void The_mount_of_a_file_is_found_by_its_descriptor()
    {
        List<MountEntry> mounts = TaskFiles.Self.ReadMounts()!;
        MountEntry proc = mounts.Last(mount => mount.MountPoint == "/proc");
        Assert.Equal("proc", proc.FileSystemType);
        using var file = new FileStream("/proc/self/stat", FileMode.Open, FileAccess.Read);
        int descriptor = (int)file.SafeFileHandle.DangerousGetHandle();
        Assert.Equal(proc.Id, TaskFiles.Self.ReadDescriptorInfo(descriptor)!.MountId);
        Assert.Equal(File.ReadAllLines("/proc/self/mountinfo").Length, mounts.Count);
    }

    [Fact]
    public void Mount_lines_are_read_with_escapes_optional_and_empty_fields()
    {
        byte[] text = Encoding.UTF8.GetBytes(
            "36 35 98:0 /mnt1 /mnt\\0402\\134 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n"
            + "37 1 0:5 / / rw - tmpfs  rw\n38 36 0:4 net:[4026531833] /run/n rw shared:3 - nsfs nsfs rw\n");
        List<MountEntry> mounts = MountInfoParser.Parse(text);
        Assert.Equal("/mnt 2\\", mounts[0].MountPoint);
        Assert.Equal(["master:1", "shared:7"], mounts[0].Propagation);
        Assert.Equal((98u, 0u), (mounts[0].Device.Major, mounts[0].Device.Minor));
        Assert.Equal(("tmpfs", "", "rw"), (mounts[1].FileSystemType, mounts[1].Source, mounts[1].SuperOptions));
        Assert.Equal("net:[4026531833]", mounts[2].Root);
        ParserFuzz.Run(text, bytes => MountInfoParser.Parse(bytes));
    }

    [Fact]
    public void Namespaces_have_the_inodes_of_their_links()
    {
        IReadOnlyDictionary<string, ulong> namespaces = TaskFiles.Self.ReadNamespaces()!;
        Assert.Equal($"mnt:[{namespaces["mnt"]}]", new FileInfo("/proc/self/ns/mnt").LinkTarget);
        using SpawnedProcess child = SpawnedProcess.Start("cat");
        Assert.Equal(namespaces, TaskFiles.OfProcess(child.Pid).ReadNamespaces());
        child.Kill();
        child.Reap();
        Assert.Null(TaskFiles.OfProcess(child.Pid).ReadNamespaces());
    }

    [Fact]
    public void Held_locks_are_listed_with_their_waiters()
    {
        byte[] text = Encoding.UTF8.GetBytes(
            "1: POSIX  ADVISORY  WRITE 3415 fe:00:11657336 100 EOF\n1: -> POSIX  ADVISORY  READ 3416 fe:00:11657336 0 200\n"
            + "2: LEASE  BREAKING  READ 3415 00:1a:5 0 EOF\n3: FLOCK  ADVISORY  WRITE 0 <none>:0 0 EOF\n4: NEWKIND  X  RW 1 fe:00:1 0 1\n");
        List<FileLock> locks = FileLockParser.Parse(text);
        Assert.Equal([false, true, false, false, false], locks.Select(held => held.IsWaiting));
        Assert.Equal(new DeviceNumber(0, 0x1a), locks[2].Device);
        Assert.Equal((FileLockKind.Lease, "BREAKING"), (locks[2].Kind, locks[2].State));
        Assert.Equal((FileLockKind.Other, "NEWKIND"), (locks[4].Kind, locks[4].KindText));
        Assert.Equal(200UL, locks[1].Last);
        ParserFuzz.Run(text, bytes => FileLockParser.Parse(bytes));
        Assert.NotNull(SystemFiles.ReadLocks());
    }

    [SkippableFact]
    public void Posix_timers_are_read_back_as_created()
    {
        Skip.IfNot(SystemFiles.HasTimers, "this kernel has no /proc/PID/timers (CONFIG_CHECKPOINT_RESTORE)");
        var sigevent = new byte[64];
        BitConverter.TryWriteBytes(sigevent, 0xfedcba9876543210);
        BitConverter.TryWriteBytes(sigevent.AsSpan(8), 34);
        BitConverter.TryWriteBytes(sigevent.AsSpan(12), 4);
        int tid = gettid();
        BitConverter.TryWriteBytes(sigevent.AsSpan(16), tid);
        Assert.Equal(0, syscall(222, 1, sigevent, out int timer));
        try
        {
            PosixTimer read = Assert.Single(TaskFiles.Self.ReadTimers()!, read => read.Id == timer);
            Assert.Equal(new PosixTimer(timer, 34, 0xfedcba9876543210, 4, tid, 1), read);
            Assert.True(read.IsForThread);
        }
        finally
        {
            _ = syscall(226, timer);
        }
    }

    [Fact]
    public void Mangled_timers_give_only_the_documented_exception()
    {
        byte[] text = "ID: 2\nsignal: 34/00000000deadbeef\nnotify: signal/tid.3415\nClockID: -2\nnew: 1\nID: 1\nsignal: 0/0\nnotify: none/pid.5\nClockID: 0\n"u8
            .ToArray();
        Assert.Equal([new PosixTimer(2, 34, 0xdeadbeef, 4, 3415, -2), new PosixTimer(1, 0, 0, 1, 5, 0)], PosixTimerParser.Parse(text));
        ParserFuzz.Run(text, bytes => PosixTimerParser.Parse(bytes));
    }

    [Fact]
    public void A_blocked_child_says_in_which_call()
    {
        using SpawnedProcess child = SpawnedProcess.Start("cat");
        child.WriteLine("x");
        child.ReadLine();
        TaskFiles files = TaskFiles.OfProcess(child.Pid);
        BlockedCall call;
        while ((call = files.ReadBlockedCall()!).IsRunning || files.ReadStat()!.State != 'S' || call.Number != 0)
            Thread.Yield();
        Assert.Equal(6, call.Arguments.Count);
        Assert.Equal(0UL, call.Arguments[0]);
        Assert.Contains(files.ReadMaps()!, entry => entry.Kind == MappingKind.Stack && call.StackPointer - entry.Start < entry.Length);
        Assert.NotNull(files.ReadWaitChannel());
    }

    [Theory]
    [InlineData("running\n", true, -1, 0)]
    [InlineData("-1 0x7ffc 0x55aa\n", false, -1, 0)]
    [InlineData("0 0x3 0x7fccc6f77000 0x20000 0x22 0xffffffff 0x0 0x7ffcb2159b18 0x7fccc70f32ad\n", false, 0, 6)]
    public void Every_form_of_syscall_is_read(string text, bool running, long number, int arguments)
    {
        BlockedCall call = BlockedCall.Parse(Encoding.UTF8.GetBytes(text));
        Assert.Equal((running, number, arguments), (call.IsRunning, call.Number, call.Arguments.Count));
        ParserFuzz.Run(Encoding.UTF8.GetBytes(text), bytes => BlockedCall.Parse(bytes));
    }

    [Fact]
    public void Single_values_agree_with_the_files()
    {
        TaskFiles self = TaskFiles.Self;
        Assert.Equal(Convert.ToUInt32(File.ReadAllText("/proc/self/coredump_filter").Trim(), 16), self.ReadCoreDumpFilter());
        Assert.Equal(int.Parse(File.ReadAllText("/proc/self/oom_score_adj"), CultureInfo.InvariantCulture), self.ReadOomScoreAdjustment());
        Assert.Equal(Convert.ToUInt32(File.ReadAllText("/proc/self/personality").Trim(), 16), self.ReadPersonality());
        Assert.Equal(ulong.Parse(File.ReadAllText("/proc/self/timerslack_ns"), CultureInfo.InvariantCulture), self.ReadTimerSlack());
        Assert.Equal(0, self.ReadTracer());
        foreach (ClockOffset offset in self.ReadClockOffsets()!)
            Assert.Contains(offset.Clock, new[] { "monotonic", "boottime" });
        Assert.Equal([new ClockOffset("monotonic", -5, 7)], ClockOffset.ParseAll("monotonic          -5         7\n"u8));
    }

    [Fact]
    public void Programs_are_told_apart_by_their_elf_header()
    {
        Assert.True(TaskFiles.Self.ReadElfHeader()!.Value.IsX64);
        byte[] head = new byte[20];
        "\u007fELF\u0001"u8.CopyTo(head);
        head[18] = 3;
        Assert.Equal(new ElfHeader(true, 1, 3), ElfHeader.Parse(head));
        Assert.False(ElfHeader.Parse(head).IsX64);
        Assert.False(ElfHeader.Parse("#!/bin/sh and so on, long enough"u8).IsElf);
        Assert.False(ElfHeader.Parse([]).IsElf);
    }

    [Fact]
    public void Sockets_are_described_by_inode()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        string path = Path.Combine(Path.GetTempPath(), $"snap-sock-{Guid.NewGuid():N}");
        using var unix = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        unix.Bind(new UnixDomainSocketEndPoint(path));
        unix.Listen();
        SocketTable table = SocketTable.ReadOrGone(TaskFiles.Self)!;
        Assert.Equal($"tcp {listener.LocalEndPoint} (listening)", Find(table, listener).ToString());
        Assert.Equal($"tcp {client.LocalEndPoint} -> {client.RemoteEndPoint} (established)", Find(table, client).ToString());
        Assert.Equal($"unix {path} (stream listening)", Find(table, unix).ToString());
        Assert.Null(table.Find(0));
        File.Delete(path);
    }

    [Fact]
    public void Socket_lines_that_are_odd_are_passed_over()
    {
        var table = new SocketTable();
        table.Add("unix", "Num\n0062341a7e: 00000003 00000000 00000000 0001 03  1660 /a\nb c\n0b504b2: 2 0 10000 5 01 1661 @x y\n"u8);
        Assert.Equal("unix /a (stream connected)", table.Find(1660)!.ToString());
        Assert.Equal("unix @x y (packets listening)", table.Find(1661)!.ToString());
        table.Add("tcp6", "sl\n 0: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 77 1\n"u8);
        Assert.Equal("tcp6 [::ffff:127.0.0.1]:8080 (listening)", table.Find(77)!.ToString());
        ParserFuzz.Run(File.ReadAllBytes("/proc/self/net/tcp"), bytes => new SocketTable().Add("tcp", bytes));
    }

    private static SocketDescription Find(SocketTable table, Socket socket) =>
        table.Find(TaskFiles.Self.ReadDescriptorTarget((int)socket.SafeHandle.DangerousGetHandle())!.Number)!;

    [DllImport("libc")]
    private static extern int gettid();

    [DllImport("libc", SetLastError = true)]
    private static extern long syscall(long number, long clock, byte[] sigevent, out int timer);

    [DllImport("libc", SetLastError = true)]
    private static extern long syscall(long number, long timer);
}

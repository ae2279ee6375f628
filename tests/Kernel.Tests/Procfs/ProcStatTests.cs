using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Snap.Kernel.Procfs;

namespace Snap.Kernel.Tests.Procfs;

public class ProcStatTests
{
    [Theory]
    [InlineData("sleep")]
    [InlineData("a) (b\nc")]
    [InlineData(") R 1 2 3 (")]
    [InlineData("")]
    [InlineData("()()(")]
    public void Any_command_name_is_read_whole(string command)
    {
        ProcStat stat = ProcStat.Parse(Encoding.UTF8.GetBytes(Text(command, field => field)));
        Assert.Equal(command, stat.Command);
        Assert.Equal('S', stat.State);
        for (int number = 4; number <= 52; number++)
            Assert.Equal((ulong)number, stat.Field(number));
    }

    [Fact]
    public void Huge_and_negative_values_keep_their_bits()
    {
        ProcStat stat = ProcStat.Parse(Encoding.UTF8.GetBytes(Text("x", field => field is 8 or 38 ? -1L : field is 18 ? -100L : (Int128)ulong.MaxValue)));
        Assert.Equal(-1, stat.TerminalProcessGroup);
        Assert.Equal(-1, stat.ExitSignal);
        Assert.Equal(-100, stat.Priority);
        Assert.Equal(ulong.MaxValue, stat.ResidentLimit);
        Assert.Equal(ulong.MaxValue, stat.StartTime);
    }

    [Fact]
    public void Fields_added_at_the_end_are_passed_over()
    {
        Assert.Equal(52, ProcStat.Parse(Encoding.UTF8.GetBytes(Text("x", field => field).TrimEnd() + " 53 54\n")).ExitCode);
    }

    [Fact]
    public void Cut_or_mangled_stat_gives_only_the_documented_exception()
    {
        byte[] text = Encoding.UTF8.GetBytes(Text("a) (b", field => field));
        ParserFuzz.Run(text, bytes => ProcStat.Parse(bytes));
        for (int length = 0; length < text.Length; length++)
            Assert.Throws<ProcfsFormatException>(() => ProcStat.Parse(text.AsSpan(0, length)));
    }

    [Fact]
    public void A_real_child_is_ours_and_sleeps_in_our_session()
    {
        using SpawnedProcess child = SpawnedProcess.Start("sleep", "1000");
        ProcStat self = TaskFiles.Self.ReadStat()!;
        ProcStat stat = TaskFiles.OfProcess(child.Pid).ReadStat()!;
        Assert.Equal(Environment.ProcessId, self.Pid);
        Assert.Equal(child.Pid, stat.Pid);
        Assert.Equal(self.Pid, stat.ParentPid);
        Assert.Equal(self.Session, stat.Session);
        Assert.Equal(self.ProcessGroup, stat.ProcessGroup);
        Assert.Equal(17, stat.ExitSignal);
        Assert.Equal(1, stat.ThreadCount);
        Assert.False(stat.IsKernelThread);
        Assert.True(stat.StartTime >= self.StartTime);
        Assert.Null(TaskFiles.OfProcess(int.MaxValue).ReadStat());
    }

    [Fact]
    public void A_thread_that_chose_a_nasty_name_is_read_in_stat_status_and_comm()
    {
        byte[] name = [(byte)'a', (byte)')', (byte)' ', (byte)'(', (byte)'\n', (byte)'\\', (byte)'n', 0xFF, (byte)')'];
        ProcStat? stat = null;
        ProcStatus? status = null;
        string? command = null;
        var thread = new Thread(() =>
        {
            Assert.Equal(0, prctl(15, [.. name, 0], 0, 0, 0));
            int tid = gettid();
            TaskFiles files = TaskFiles.OfThread(Environment.ProcessId, tid);
            stat = files.ReadStat();
            status = files.ReadStatus();
            command = files.ReadCommand();
        });
        thread.Start();
        thread.Join();
        Assert.Equal(name, KernelText.Encode(stat!.Command));
        Assert.Equal(name, KernelText.Encode(status!.Name));
        Assert.Equal(name, KernelText.Encode(command!));
        Assert.Equal(Environment.ProcessId, status.Tgid);
        Assert.Equal(stat.Pid, status.Pid);
    }

    [Fact]
    public void Pid_2_is_a_thread_of_the_kernel_where_it_is_seen()
    {
        ProcStat? stat = TaskFiles.OfProcess(2).ReadStat();
        if (stat is { Command: "kthreadd" })
        {
            Assert.True(stat.IsKernelThread);
            Assert.Null(TaskFiles.OfProcess(2).ReadStatus()!.ResidentBytes);
        }
    }

    private static string Text(string command, Func<int, Int128> field) =>
        $"77 ({command}) S {string.Join(' ', Enumerable.Range(4, 49).Select(number => field(number).ToString(CultureInfo.InvariantCulture)))}\n";

    [DllImport("libc", SetLastError = true)]
    private static extern int prctl(int option, byte[] name, nint unused3, nint unused4, nint unused5);

    [DllImport("libc")]
    private static extern int gettid();
}

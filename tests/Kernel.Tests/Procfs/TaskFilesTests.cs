using System.Globalization;
using System.Text;
using Snap.Kernel.Abi;
using Snap.Kernel.Memory;
using Snap.Kernel.Procfs;

namespace Snap.Kernel.Tests.Procfs;

public class TaskFilesTests
{
    [Fact]
    public void Status_of_a_child_agrees_with_the_text()
    {
        using SpawnedProcess child = SpawnedProcess.Start("cat");
        ProcStatus status = TaskFiles.OfProcess(child.Pid).ReadStatus()!;
        Dictionary<string, string> text = File.ReadLines($"/proc/{child.Pid}/status")
            .Select(line => line.Split(':', 2)).ToDictionary(parts => parts[0], parts => parts[1].Trim());
        Assert.Equal(child.Pid, status.Tgid);
        Assert.Equal(Environment.ProcessId, status.ParentPid);
        Assert.Equal(0, status.TracerPid);
        Assert.Equal(text["CapBnd"], status.BoundingCapabilities.ToString("x16", CultureInfo.InvariantCulture));
        Assert.Equal(text["SigIgn"], status.IgnoredSignals.ToString("x16", CultureInfo.InvariantCulture));
        Assert.Equal(text["Groups"], string.Join(' ', status.Groups));
        Assert.Equal(text["Uid"], $"{status.Uid.Real}\t{status.Uid.Effective}\t{status.Uid.Saved}\t{status.Uid.FileSystem}");
        Assert.Equal(text["Umask"], "0" + Convert.ToString((int)status.Umask!.Value, 8).PadLeft(3, '0'));
        Assert.Equal([child.Pid], status.NamespacePids.Take(1));
        Assert.Equal(1, status.Threads);
        Assert.Equal(Environment.ProcessorCount <= 64 ? 1 : status.AllowedCpus.Count, status.AllowedCpus.Count);
        Assert.NotEqual(0UL, status.AllowedCpus[0]);
    }

    /// <summary>A restorer, itself a busy .NET process, read its own maps and took the mappings that moved meanwhile for text it couldn't understand.</summary>
    [Fact]
    public void Mappings_of_a_process_that_changes_them_all_the_time_are_read()
    {
        using var stop = new CancellationTokenSource();
        var churn = new Thread(() =>
        {
            var held = new Queue<MappedMemory>();
            for (ulong pages = 1; !stop.IsCancellationRequested; pages = (pages % 7) + 1)
            {
                held.Enqueue(MappedMemory.Anonymous(pages * 4096, executable: pages % 2 == 0));
                if (held.Count > 200)
                    held.Dequeue().Dispose();
            }

            foreach (MappedMemory memory in held)
                memory.Dispose();
        });
        churn.Start();
        try
        {
            for (int i = 0; i < 500; i++)
                Assert.NotEmpty(TaskFiles.Self.ReadMaps()!);
        }
        finally
        {
            stop.Cancel();
            churn.Join();
        }
    }

    [Fact]
    public void Cut_or_mangled_status_gives_only_the_documented_exception()
    {
        byte[] text = File.ReadAllBytes("/proc/self/status");
        Assert.Equal(Environment.ProcessId, ProcStatusParser.Parse(text).Pid);
        ParserFuzz.Run(text, bytes => ProcStatusParser.Parse(bytes));
    }

    [Theory]
    [InlineData("3", new ulong[] { 3 })]
    [InlineData("ff,00000001", new ulong[] { 0xff00000001 })]
    [InlineData("00000001,00000000,80000000", new ulong[] { 0x80000000, 1 })]
    public void Bitmaps_are_read_from_their_right_end(string text, ulong[] words) =>
        Assert.Equal(words, ProcStatusParser.ParseMask(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Limits_come_in_the_order_of_RLIMIT()
    {
        byte[] text = File.ReadAllBytes("/proc/self/limits");
        ResourceLimit[] limits = ResourceLimits.Parse(text);
        string shell = "ulimit -t; ulimit -f; ulimit -d; ulimit -s; ulimit -c; ulimit -m; ulimit -p; ulimit -n; ulimit -l; ulimit -v";
        using SpawnedProcess child = SpawnedProcess.Start("sh", "-c", shell + "; read line");
        ulong[] units = [1, 512, 1024, 1024, 512, 1024, 1, 1, 1024, 1024];
        ResourceLimit[] read = TaskFiles.OfProcess(child.Pid).ReadLimits()!;
        for (int resource = 0; resource < units.Length; resource++)
        {
            string line = child.ReadLine();
            ulong soft = read[resource].Soft;
            Assert.Equal(line, soft == ResourceLimit.Unlimited ? "unlimited" : (soft / units[resource]).ToString(CultureInfo.InvariantCulture));
        }

        Assert.Equal(16, limits.Length);
        ParserFuzz.Run(text, bytes => ResourceLimits.Parse(bytes));
        Assert.Throws<ProcfsFormatException>(() => ResourceLimits.Parse([.. text, .. "Max new thing 1 2 bytes\n"u8]));
    }

    [Fact]
    public void Auxv_names_the_loader_and_the_page_size()
    {
        using SpawnedProcess child = SpawnedProcess.Start("cat");
        child.WriteLine("x");
        child.ReadLine();
        TaskFiles files = TaskFiles.OfProcess(child.Pid);
        AuxiliaryVector vector = files.ReadAuxiliaryVector()!;
        Assert.Equal(4096UL, vector.Find(AuxiliaryVector.PageSize));
        List<MapsEntry> maps = files.ReadMaps()!;
        Assert.Contains(maps, entry => entry.Start == vector.Find(AuxiliaryVector.VdsoHeader) && entry.Kind == MappingKind.Vdso);
        Assert.Contains(maps, entry => entry.Start == vector.Find(AuxiliaryVector.LoaderBase));
        Assert.Null(vector.Find(9999));
        ParserFuzz.Run(vector.Bytes.ToArray(), bytes => AuxiliaryVector.Parse(bytes));
    }

    [Fact]
    public void Arguments_environment_and_links_are_read()
    {
        using SpawnedProcess child = SpawnedProcess.Start("sh", "-c", "echo ready; read line", "", "é b");
        TaskFiles files = TaskFiles.OfProcess(child.Pid);
        child.ReadLine();
        Assert.Equal("sh", files.ReadCommand());
        Assert.Equal(["sh", "-c", "echo ready; read line", "", "é b"], files.ReadCommandLine());
        Assert.Contains(files.ReadEnvironment()!, variable => variable.StartsWith("PATH=", StringComparison.Ordinal));
        Assert.Equal(new LinkedFile(Environment.CurrentDirectory, false), files.ReadWorkingDirectory());
        Assert.Equal(new LinkedFile("/", false), files.ReadRoot());
        Assert.StartsWith("/", files.ReadExecutable()!.Value.Path);
        Assert.Equal([child.Pid], files.ListThreads());
        child.Kill();
        child.Reap();
        Assert.Null(files.ReadExecutable());
        Assert.Null(files.ListDescriptors());
        Assert.Null(files.ReadCommandLine());
    }

    [Fact]
    public void Smaps_has_the_mappings_of_maps_and_their_flags()
    {
        using SpawnedProcess child = SpawnedProcess.Start("cat");
        child.WriteLine("x");
        child.ReadLine();
        TaskFiles files = TaskFiles.OfProcess(child.Pid);
        List<SmapsEntry> smaps = files.ReadSmaps()!;
        Assert.Equal(files.ReadMaps()!, smaps.Select(entry => entry.Mapping));
        Assert.True(smaps.Single(entry => entry.Mapping.Kind == MappingKind.Stack).Flags.HasFlag(VmFlags.GrowsDown | VmFlags.MayWrite));
        Assert.Equal(4096UL, smaps[0].KernelPageSize);
        Assert.True(smaps.Sum(entry => (long)entry.Rss) > 0);
        foreach (SmapsEntry entry in smaps.Where(entry => entry.Mapping.Kind != MappingKind.Vsyscall))
        {
            Assert.Equal(entry.Mapping.IsReadable, entry.Flags.HasFlag(VmFlags.Readable));
            Assert.Equal(entry.Mapping.IsWritable, entry.Flags.HasFlag(VmFlags.Writable));
            Assert.Equal(entry.Mapping.IsExecutable, entry.Flags.HasFlag(VmFlags.Executable));
            Assert.Empty(entry.UnknownFlags);
        }

        ParserFuzz.Run(ProcfsFile.Read($"/proc/{child.Pid}/smaps").AsSpan(0, 3000).ToArray(), bytes => SmapsParser.Parse(bytes));
    }

    [Fact]
    public void Unknown_flags_of_smaps_are_kept_and_known_ones_print_as_the_kernel_writes_them()
    {
        SmapsEntry entry = Assert.Single(SmapsParser.Parse("1000-2000 rw-p 0 00:00 0 \nRss:      4 kB\nVmFlags: rd wr zz gd uw qq \n"u8));
        Assert.Equal(["zz", "qq"], entry.UnknownFlags);
        Assert.Equal("rd wr gd uw", VmFlagNames.Format(entry.Flags));
        Assert.Equal(4096UL, entry.Rss);
    }

    [Theory]
    [InlineData("/tmp/x", DescriptorKind.Path, "/tmp/x", false, 0)]
    [InlineData("/tmp/x (deleted)", DescriptorKind.Path, "/tmp/x", true, 0)]
    [InlineData("pipe:[77]", DescriptorKind.Pipe, "", false, 77)]
    [InlineData("socket:[18446744073709551615]", DescriptorKind.Socket, "", false, ulong.MaxValue)]
    [InlineData("anon_inode:[eventpoll]", DescriptorKind.AnonymousInode, "eventpoll", false, 0)]
    [InlineData("anon_inode:inotify", DescriptorKind.AnonymousInode, "inotify", false, 0)]
    [InlineData("/memfd:a (deleted) b (deleted)", DescriptorKind.Memfd, "a (deleted) b", true, 0)]
    [InlineData("/memfd:a", DescriptorKind.Path, "/memfd:a", false, 0)]
    [InlineData("/dev/pts/3", DescriptorKind.PseudoTerminal, "/dev/pts/3", false, 3)]
    [InlineData("/dev/pts/ptmx", DescriptorKind.PseudoTerminalMaster, "/dev/pts/ptmx", false, 0)]
    [InlineData("/dev/ptmx", DescriptorKind.PseudoTerminalMaster, "/dev/ptmx", false, 0)]
    [InlineData("net:[4026531833]", DescriptorKind.Namespace, "net", false, 4026531833)]
    [InlineData("pipe:[x]", DescriptorKind.Other, "pipe:[x]", false, 0)]
    [InlineData("", DescriptorKind.Other, "", false, 0)]
    [InlineData("[", DescriptorKind.Other, "[", false, 0)]
    public void Links_of_descriptors_are_classified(string text, DescriptorKind kind, string name, bool deleted, ulong number)
    {
        DescriptorTarget target = DescriptorTarget.Parse(text);
        Assert.Equal((kind, name, deleted, number, text), (target.Kind, target.Name, target.IsDeleted, target.Number, target.Text));
    }

    [Fact]
    public void Device_numbers_survive_both_encodings()
    {
        var random = new Random(5);
        for (int i = 0; i < 1000; i++)
        {
            var device = new DeviceNumber((uint)random.NextInt64(1L << 32), (uint)random.NextInt64(1L << 32));
            Assert.Equal(device, DeviceNumber.FromStat(device.ToStat()));
        }

        Assert.Equal(new DeviceNumber(0xfe, 0), DeviceNumber.FromStat(0xfe00));
        Assert.Equal(new DeviceNumber(0xfe, 0), DeviceNumber.FromKernel(0xfe00000));
        Assert.Equal("fe:01", new DeviceNumber(0xfe, 1).ToString());
    }

    [Fact]
    public void Errors_other_than_gone_are_exceptions_that_name_the_file()
    {
        KernelException error = Assert.Throws<KernelException>(() => ProcfsFile.ReadOrGone("/proc/self/mem/x"));
        Assert.Equal(("open /proc/self/mem/x", Errno.ENOTDIR), (error.Operation, error.Errno));
        Assert.Equal(Errno.ENOENT, Assert.Throws<KernelException>(() => ProcfsFile.Read("/proc/no-such-file")).Errno);
    }
}

using System.Text;
using Snap.Dumper.Preflight;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Procfs;
using Snap.Testing;

namespace Snap.Dumper.Tests.Collect;

/// <summary>What descriptors become in an image, and which of them lead outside.</summary>
public sealed class DescriptorImageTests
{
    private const ulong TIOCSPTLCK = 0x40045431, TIOCGPTN = 0x80045430;

    [Fact]
    public void Descriptors_made_by_dup_share_a_description_and_another_open_of_the_file_does_not()
    {
        using Testing.Target target = Targets.Start("descriptors", "{dir}", "shared");
        SnapshotImage image = Collected.From(target.Pid).Image!;
        FileDescription[] files = [.. image.Descriptions.OfType<FileDescription>().Where(file => image.Files[file.File].Path.EndsWith("/shared", StringComparison.Ordinal))];
        Assert.Equal(2, files.Length);
        Assert.Equal([3L, 0L], files.Select(file => file.Position));
        DescriptorImage[] sharing = [.. image.Processes[0].Descriptors.Where(descriptor => descriptor.Description == files[0].Id)];
        Assert.Equal(3, sharing.Length);
        Assert.Equal([true, false, false], sharing.Select(descriptor => descriptor.CloseOnExec));
        Assert.True(image.Files[files[0].File] is { IsWritable: true, IsMapped: false, Length: 10 });
    }

    [Fact]
    public void Pipes_keep_their_unread_bytes_packets_and_capacity_and_lose_none_of_them()
    {
        using Testing.Target target = Targets.Start("descriptors", "{dir}", "pipes");
        SnapshotImage image = Collected.From(target.Pid).Image!;
        Assert.Equal(3, image.Pipes.Count);
        PipeImage full = image.Pipes.Single(pipe => pipe.Capacity == 1 << 20), packets = image.Pipes.Single(pipe => pipe.Packets is not null);
        Assert.Equal(20 * 8192, full.Content.Length);
        Assert.Equal([3, 6], packets.Packets!);
        Assert.Equal("onesecond", Encoding.ASCII.GetString(packets.Content));
        Assert.Equal(6, image.Descriptions.OfType<PipeDescription>().Count());
        Assert.Empty(target.Check());
    }

    [Fact]
    public void Event_timer_signal_and_device_descriptors_carry_their_state()
    {
        using Testing.Target target = Targets.Start("descriptors", "{dir}", "eventfd", "timerfd", "signalfd", "devices", "directory", "path");
        SnapshotImage image = Collected.From(target.Pid).Image!;
        Assert.Equal([(0x1234567890UL, false), (3UL, true)], image.Descriptions.OfType<EventDescription>().Select(one => (one.Count, one.IsSemaphore)));
        TimerDescription[] timers = [.. image.Descriptions.OfType<TimerDescription>()];
        Assert.Equal([1, 1, 7, 0], timers.Select(timer => timer.Clock));
        Assert.Equal(20_000_000UL, timers[0].IntervalNanoseconds);
        Assert.InRange(timers[1].RemainingNanoseconds, 1800_000_000_000UL, 3600_000_000_000UL);
        Assert.Equal(0UL, timers[2].RemainingNanoseconds);
        Assert.Equal(Timers.TFD_TIMER_ABSTIME, timers[3].SettimeFlags);
        Assert.Equal((1UL << 11) | (1UL << 38), Assert.Single(image.Descriptions.OfType<SignalDescription>()).Mask);
        Assert.Equal(["/dev/null", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/full"], image.Descriptions.OfType<DeviceDescription>().Select(device => device.Path));
        FileDescription[] directories = [.. image.Descriptions.OfType<FileDescription>().Where(file => file.IsDirectory)];
        Assert.Equal(2, directories.Length);
        Assert.NotEqual(0, directories[1].Flags & Fcntl.O_PATH);
    }

    [Fact]
    public void Locks_are_recorded_with_their_ranges()
    {
        using Testing.Target target = Targets.Start("locks", "{dir}", "flock", "posix", "ofd");
        SnapshotImage image = Collected.From(target.Pid).Image!;
        LockImage[] locks = [.. image.Descriptions.OfType<FileDescription>().SelectMany(file => file.Locks).OrderBy(one => one.Type).ThenBy(one => one.Start)];
        Assert.Equal(
            [
                new LockImage(LockType.Flock, true, 0, 0, 0),
                new LockImage(LockType.Posix, true, 10, 10, target.Pid),
                new LockImage(LockType.Posix, false, 100, 0, target.Pid),
                new LockImage(LockType.OpenFileDescription, true, 0, 0, 0),
            ],
            locks);
    }

    [Fact]
    public void An_epoll_set_names_the_description_it_watches_even_if_the_number_is_another_files_now()
    {
        using var directory = new TemporaryDirectory();
        string program = $"""
            import os, select, time
            epoll = select.epoll()
            r, w = os.pipe()
            moved = os.dup(r)
            epoll.register(r, select.EPOLLIN)
            os.close(r)
            assert os.open("/dev/zero", os.O_RDONLY) == r
            open("{directory["ready"]}.new", "w").write(str(r) + " " + str(moved))
            os.rename("{directory["ready"]}.new", "{directory["ready"]}")
            time.sleep(1000)
            """;
        using ShellTarget python = ShellTarget.Run(null, "python3", "-c", program);
        Patience.Until(() => File.Exists(directory["ready"]), () => "python");
        int[] numbers = [.. File.ReadAllText(directory["ready"]).Split(' ').Select(int.Parse)];
        SnapshotImage image = Collected.From(python.Pid).Image!;
        EpollEntryImage entry = Assert.Single(Assert.Single(image.Descriptions.OfType<EpollDescription>()).Entries);
        Assert.Equal(numbers[0], entry.Descriptor);
        Assert.Equal(image.Processes[0].Descriptors.Single(descriptor => descriptor.Number == numbers[1]).Description, entry.Description);
    }

    [Fact]
    public void A_pipe_at_stdout_is_external_and_so_are_its_duplicates()
    {
        (FileDescriptor read, FileDescriptor write) = FileDescriptor.CreatePipe();
        using (read)
        using (write)
        using (ShellTarget shell = ShellTarget.Start("exec 9>&1; exec sleep 1000", new() { [1] = write }))
        {
            SettleAsSleep(shell);
            SnapshotImage image = Collected.From(shell.Pid).Image!;
            ExternalDescription external = Assert.Single(image.Descriptions.OfType<ExternalDescription>());
            Assert.Equal(1, external.StandardNumber);
            Assert.StartsWith("pipe:[", external.Target, StringComparison.Ordinal);
            Assert.Equal([1, 9], image.Processes[0].Descriptors.Where(descriptor => descriptor.Description == external.Id).Select(descriptor => descriptor.Number));
        }
    }

    [Fact]
    public void Unread_bytes_of_a_pipe_at_stdin_are_left_there_and_reported()
    {
        (FileDescriptor read, FileDescriptor write) = FileDescriptor.CreatePipe();
        using (read)
        using (write)
        using (ShellTarget sleep = ShellTarget.Run(new() { [0] = read }, "sleep", "1000"))
        {
            write.WriteAll("unread"u8);
            SnapshotImage image = Collected.From(sleep.Pid).Image!;
            Assert.Contains("6 unread bytes", Assert.Single(image.Notices), StringComparison.Ordinal);
            Assert.Equal(6, read.TryRead(new byte[64]).Value);
        }
    }

    [Fact]
    public void A_pipe_that_leads_outside_at_another_number_is_refused()
    {
        (FileDescriptor read, FileDescriptor write) = FileDescriptor.CreatePipe();
        using (read)
        using (write)
        using (ShellTarget sleep = ShellTarget.Run(new() { [7] = write }, "sleep", "1000"))
        {
            SnapException finding = Assert.Single(PreflightCheck.Run(sleep.Pid));
            Assert.Equal(ErrorCatalogue.DescriptorOutside, finding.Kind);
            Assert.Contains("fd 7", finding.What, StringComparison.Ordinal);
            Assert.Contains("other end lies outside", finding.What, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_pipe_with_both_ends_inside_that_another_process_has_open_too_is_refused_and_the_process_named()
    {
        (FileDescriptor read, FileDescriptor write) = FileDescriptor.CreatePipe();
        using (read)
        using (write)
        using (ShellTarget sleep = ShellTarget.Run(new() { [7] = write, [8] = read }, "sleep", "1000"))
        {
            IReadOnlyList<SnapException> findings = PreflightCheck.Run(sleep.Pid);
            Assert.Equal([ErrorCatalogue.DescriptorOutside, ErrorCatalogue.DescriptorOutside], findings.Select(finding => finding.Kind));
            Assert.Contains($"process {Environment.ProcessId}", findings[0].What, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_socket_at_stdin_as_a_service_has_it_is_external()
    {
        (FileDescriptor ours, FileDescriptor theirs) = FileDescriptor.CreateSocketPair();
        using (ours)
        using (theirs)
        using (ShellTarget sleep = ShellTarget.Run(new() { [0] = theirs, [1] = theirs }, "sleep", "1000"))
        {
            SnapshotImage image = Collected.From(sleep.Pid).Image!;
            ExternalDescription external = Assert.Single(image.Descriptions.OfType<ExternalDescription>());
            Assert.Equal(0, external.StandardNumber);
            Assert.Equal(2, image.Processes[0].Descriptors.Count(descriptor => descriptor.Description == external.Id));
        }
    }

    [SkippableFact]
    public void A_terminal_is_external_also_where_it_was_opened_anew()
    {
        Skip.If(FileDescriptor.TryOpen("/dev/ptmx", Fcntl.O_RDWR | Fcntl.O_NOCTTY, 0, out FileDescriptor? opened).IsError, "no /dev/ptmx");
        using FileDescriptor master = opened!;
        int unlocked = 0, number = 0;
        master.TryIoctl(TIOCSPTLCK, ref unlocked).OrThrow("TIOCSPTLCK");
        master.TryIoctl(TIOCGPTN, ref number).OrThrow("TIOCGPTN");
        using FileDescriptor terminal = FileDescriptor.Open($"/dev/pts/{number}", Fcntl.O_RDWR | Fcntl.O_NOCTTY);
        using ShellTarget shell = ShellTarget.Start($"exec 9</dev/pts/{number}; exec sleep 1000", new() { [0] = terminal, [1] = terminal, [2] = terminal });
        SettleAsSleep(shell);
        SnapshotImage image = Collected.From(shell.Pid).Image!;
        ExternalDescription[] external = [.. image.Descriptions.OfType<ExternalDescription>()];
        Assert.Equal(2, external.Length);
        Assert.All(external, one => Assert.Equal((0, $"/dev/pts/{number}"), (one.StandardNumber, one.Target)));
    }

    [Fact]
    public void A_process_without_any_descriptor_is_collected()
    {
        using ShellTarget shell = ShellTarget.Start("exec 0<&- 1>&- 2>&-; exec sleep 1000");
        SettleAsSleep(shell);
        Assert.Empty(Collected.From(shell.Pid).Process.Descriptors);
    }

    private static void SettleAsSleep(ShellTarget shell) =>
        Patience.Until(() => TaskFiles.OfProcess(shell.Pid).ReadStat() is { Command: "sleep", State: 'S' }, () => "exec of sleep");
}

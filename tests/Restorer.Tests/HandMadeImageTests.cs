using System.Text;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Restorer.Tests;

public sealed class HandMadeImageTests
{
    // write(1, Data, 6); exit_group(7)
    private static readonly byte[] _writeAndExit =
    [
        0xB8, 1, 0, 0, 0, 0xBF, 1, 0, 0, 0, 0xBE, 0x00, 0x00, 0x01, 0x40, 0xBA, 6, 0, 0, 0, 0x0F, 0x05,
        0xB8, 231, 0, 0, 0, 0xBF, 7, 0, 0, 0, 0x0F, 0x05,
    ];

    // pause(), for ever
    private static readonly byte[] _pause = [0xB8, 34, 0, 0, 0, 0x0F, 0x05, 0xEB, 0xF7];

    [Fact]
    public void A_process_runs_from_its_registers_under_its_pid_and_writes_to_our_pipe()
    {
        int pid = HandMadeImage.FreePid();
        (SnapshotImage image, DictionaryPages pages) = HandMadeImage.Make(pid, _writeAndExit, Encoding.ASCII.GetBytes("hello\n"));
        image = WithExternalOutput(image);
        (FileDescriptor read, FileDescriptor write) = FileDescriptor.CreatePipe();
        using (read)
        {
            RestoredProcess restored;
            using (write)
                restored = TreeRestorer.Restore(image, pages, new RestoreOptions { Stdio = new Dictionary<int, FileDescriptor> { [1] = write } });
            using (restored)
            {
                Assert.Equal(pid, restored.Pid);
                Assert.False(restored.Child.TryWait(out _));
                restored.Release();
            }

            var text = new byte[6];
            Assert.True(read.ReadFully(text));
            Assert.Equal("hello\n", Encoding.ASCII.GetString(text));
            Assert.Equal(0, read.TryRead(text).Value);
            WaitStatus ended = restored.Child.Wait();
            Assert.Equal(7, ended.ExitCode);
        }
    }

    [Fact]
    public void Nothing_of_ours_is_left_in_the_process()
    {
        int pid = HandMadeImage.FreePid();
        (SnapshotImage image, DictionaryPages pages) = HandMadeImage.Make(pid, _pause);
        using RestoredProcess restored = TreeRestorer.Restore(image, pages, new RestoreOptions());
        restored.Release();
        try
        {
            TaskFiles files = TaskFiles.OfProcess(pid);
            Assert.Equal(
                ["40000000-40001000 r-xp", "40010000-40011000 rw-p", "7ffe00000000-7ffe00001000 rw-p [stack]"],
                files.ReadMaps()!.Where(map => map.Name.ToString() != "[vsyscall]").Select(map => map.ToString()));
            Assert.Empty(files.ListDescriptors()!);
            Assert.Equal("/usr/bin/env", files.ReadExecutable()!.Value.Path);
            ProcStatus status = files.ReadStatus()!;
            Assert.Equal(("hand-made", 0, 0UL, 0UL, 0UL), (status.Name, status.TracerPid, status.BlockedSignals, status.PendingSignals, status.IgnoredSignals));
            Assert.Equal((uint)0x12, status.Umask);
        }
        finally
        {
            restored.Child.Signal(Signal.SIGKILL);
            restored.Child.Wait();
        }
    }

    [Fact]
    public void Disposed_before_its_release_it_is_killed_and_reaped()
    {
        int pid = HandMadeImage.FreePid();
        (SnapshotImage image, DictionaryPages pages) = HandMadeImage.Make(pid, _pause);
        using (TreeRestorer.Restore(image, pages, new RestoreOptions()))
            Assert.True(Directory.Exists($"/proc/{pid}"));
        Assert.False(Directory.Exists($"/proc/{pid}"));
    }

    [Fact]
    public void A_thread_id_that_is_taken_at_the_last_moment_is_named_and_nothing_is_left()
    {
        int pid = HandMadeImage.FreePid(), other = HandMadeImage.FreePid();
        (SnapshotImage image, DictionaryPages pages) = HandMadeImage.Make(pid, _pause);
        // The second of two threads with one id finds it taken when it is started, after all checks.
        image = image.With(process => process with { Threads = [process.Threads[0], process.Threads[0] with { Tid = other }, process.Threads[0] with { Tid = other }] });
        SnapException refused = Assert.Throws<SnapException>(() => TreeRestorer.Restore(image, pages, new RestoreOptions()));
        Assert.Equal(ErrorCatalogue.PidTaken, refused.Kind);
        Assert.Contains($"{other}", refused.What, StringComparison.Ordinal);
        Assert.False(Directory.Exists($"/proc/{pid}"));
    }

    [Fact]
    public void Everything_that_stands_in_the_way_is_said_at_once_and_nothing_is_started()
    {
        (SnapshotImage image, DictionaryPages pages) = HandMadeImage.Make(Environment.ProcessId, _pause);
        image = image with
        {
            Host = image.Host with { BootId = "another", KernelRelease = "1.2.3", CpuFlags = ["a-feature-of-the-future"] },
            Files = [image.Files[0] with { Length = 5 }, HandMadeImage.FileOf("/etc/passwd") with { Path = "/nowhere/at/all" }],
            Descriptions = [new FileDescription { Id = 0, Flags = 0, File = 1, Position = 0 }, new ExternalDescription { Id = 1, Flags = 0, StandardNumber = 9999, Target = "pipe:[1]" }],
        };
        image = image.With(process => process with { WorkingDirectory = "/nowhere", Descriptors = [new DescriptorImage(3, false, 0), new DescriptorImage(4, false, 1)] });
        SnapException refused = Assert.Throws<SnapException>(() => TreeRestorer.Restore(image, pages, new RestoreOptions()));
        ErrorKind[] kinds = [refused.Kind, .. refused.Others.Select(other => other.Kind)];
        Assert.Equal(
            [
                ErrorCatalogue.OtherBoot, ErrorCatalogue.KernelDiffers, ErrorCatalogue.ProcessorDiffers, ErrorCatalogue.PidTaken, ErrorCatalogue.FileMissing,
                ErrorCatalogue.MappedFileChanged, ErrorCatalogue.FileMissing, ErrorCatalogue.StandardDescriptorMissing,
            ],
            kinds);
    }

    private static SnapshotImage WithExternalOutput(SnapshotImage image) => (image with
    {
        Descriptions = [new ExternalDescription { Id = 0, Flags = Fcntl.O_WRONLY, StandardNumber = 1, Target = "pipe:[1]" }],
    }).With(process => process with { Descriptors = [new DescriptorImage(1, false, 0)] });
}

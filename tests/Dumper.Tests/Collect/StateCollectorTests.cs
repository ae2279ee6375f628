using Snap.Image;
using Snap.Kernel.Files;
using Snap.Kernel.Injection;
using Snap.Kernel.Procfs;
using Snap.Testing;

namespace Snap.Dumper.Tests.Collect;

public sealed class StateCollectorTests
{
    [SkippableTheory]
    [InlineData("counter")]
    [InlineData("sleeper")]
    [InlineData("pthreads")]
    [InlineData("avx_state")]
    [InlineData("avx_threads")]
    [InlineData("altstack")]
    [InlineData("signals")]
    [InlineData("brk_stack")]
    [InlineData("rseq")]
    [InlineData("thread_churn")]
    [InlineData("busy_writer", "64")]
    [InlineData("descriptors", "{dir}")]
    [InlineData("locks", "{dir}", "flock", "posix", "ofd")]
    [InlineData("timers")]
    [InlineData("shared_memory")]
    [InlineData("mapping_advice")]
    [InlineData("process_attributes", "{dir}")]
    [InlineData("file_mappings", "{dir}")]
    [InlineData("blocking_calls")]
    [InlineData("direct_io", "{dir}")]
    public void A_program_is_collected_again_and_again_and_finds_itself_unchanged(string program, params string[] arguments)
    {
        using Testing.Target target = Targets.Start(program, arguments);
        Fingerprint? before = program == "sleeper" ? Fingerprint.OfIdle(target) : null;
        IReadOnlyList<Collected> all = Collected.Repeatedly(target.Pid, 5);
        foreach (Collected collected in all)
        {
            Assert.Empty(collected.LiveFindings.Concat(collected.Findings).Select(finding => finding.Render()));
            byte[] bytes = ImageCodec.Encode(collected.Image!);
            Assert.Equal(bytes, ImageCodec.Encode(ImageCodec.Decode(bytes)));
            Assert.DoesNotContain(collected.Image!.Notices, notice => !notice.Contains("too briefly", StringComparison.Ordinal));
        }

        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        if (before is not null)
            Assert.Empty(Fingerprint.Differences(before, Fingerprint.Of(target.Pid, (all[0].Agent, all[0].Agent + InjectionAgent.Length))));
        Assert.Single(all.Select(collected => collected.Agent).Distinct());
        // It compares its own mappings, among which is ours by now.
        if (program != "mapping_advice")
            Assert.Empty(target.Check());
    }

    [SkippableTheory]
    [InlineData("python")]
    [InlineData("node")]
    [InlineData("dotnet")]
    public void An_interpreter_is_collected_again_and_again_while_it_computes_and_comes_to_the_same_result(string kind)
    {
        const int steps = 300;
        using StepTarget undisturbed = Targets.StartSteps(kind, steps);
        using StepTarget target = Targets.StartSteps(kind, steps);
        IReadOnlyList<Collected> all = Collected.Repeatedly(target.Pid, 10, i => target.WaitForSteps((i + 1) * steps / 15));
        Assert.Empty(all.SelectMany(collected => collected.LiveFindings.Concat(collected.Findings)).Select(finding => finding.Render()));
        target.WaitForSteps(steps);
        undisturbed.WaitForSteps(steps);
        Assert.Equal(undisturbed.ReadSteps().Select(step => step.Hash), target.ReadSteps().Select(step => step.Hash));
    }

    [Fact]
    public void An_agent_of_an_earlier_tracer_is_found_again_and_no_second_one_is_installed()
    {
        using Testing.Target target = Targets.Start("pthreads");
        ulong first = Collected.From(target.Pid).Agent;
        MapsEntry[] before = Executable(target.Pid);
        Assert.Equal(first, Collected.From(target.Pid).Agent);
        // Its threads may map memory of their own meanwhile.
        Assert.Equal(before, Executable(target.Pid));
        Assert.Empty(target.Check());
    }

    private static MapsEntry[] Executable(int pid) => [.. TaskFiles.OfProcess(pid).ReadMaps()!.Where(entry => (entry.Access & MapsAccess.Execute) != 0)];

    [Fact]
    public void The_image_agrees_with_what_proc_shows()
    {
        using Testing.Target target = Targets.Start("sleeper");
        Collected collected = Collected.From(target.Pid);
        ProcessImage image = collected.Process;
        TaskFiles process = TaskFiles.OfProcess(target.Pid);
        ProcStat stat = process.ReadStat()!;
        ProcStatus status = process.ReadStatus()!;
        Assert.Equal((stat.Pid, stat.ParentPid, stat.ProcessGroup, stat.Session, stat.StartTime), (image.Pid, image.ParentPid, image.ProcessGroup, image.Session, image.StartTime));
        Assert.Equal((stat.StartBreak, stat.StartStack, stat.ArgumentsStart, stat.EnvironmentEnd),
            (image.MemoryLayout.StartBreak, image.MemoryLayout.StartStack, image.MemoryLayout.ArgumentsStart, image.MemoryLayout.EnvironmentEnd));
        Assert.Equal(process.ReadAuxiliaryVector()!.Bytes.ToArray(), image.MemoryLayout.AuxiliaryVector);
        Assert.Equal(process.ReadLimits()!.Select(limit => (limit.Soft, limit.Hard)), image.Limits.Select(limit => (limit.Current, limit.Maximum)));
        Assert.Equal((int)status.Umask!, image.Umask);
        Assert.Equal(status.EffectiveCapabilities, image.Credentials.EffectiveCapabilities);
        Assert.Equal(process.ReadCommandLine(), image.CommandLine);
        Assert.Equal(process.ReadWorkingDirectory()!.Value.Path, image.WorkingDirectory);
        Assert.Equal(process.ReadExecutable()!.Value.Path, collected.Image!.Files[image.Executable].Path);
        Assert.Equal(process.ReadPersonality(), image.Personality);
        Assert.Equal(process.ListThreads(), image.Threads.Select(thread => thread.Tid).Order());
        Assert.Equal(process.ListDescriptors(), image.Descriptors.Select(descriptor => descriptor.Number));
        for (int signal = 1; signal <= 64; signal++)
        {
            ulong bit = 1UL << (signal - 1), handler = image.SignalActions[signal - 1].Handler;
            Assert.Equal(((status.IgnoredSignals & bit) != 0, (status.CaughtSignals & bit) != 0), (handler == 1, handler > 1));
        }

        ThreadImage leader = image.Threads[0];
        Assert.Equal(target.Pid, leader.Tid);
        Assert.Equal(status.BlockedSignals, leader.SignalMask);
        Assert.Equal(status.Name, leader.Name);
        Assert.NotEqual(0UL, leader.ClearTidAddress);
        Assert.NotEqual(0UL, leader.RobustListHead);
        Assert.Equal(collected.Image.Host.ExtendedStateSize, leader.ExtendedState.Length);
    }

    [Fact]
    public void Mappings_agree_with_maps_but_for_ours()
    {
        using Testing.Target target = Targets.Start("mapping_advice");
        Collected collected = Collected.From(target.Pid);
        List<MapsEntry> maps = TaskFiles.OfProcess(target.Pid).ReadMaps()!;
        Assert.DoesNotContain(collected.Mappings, entry => entry.Start < collected.Agent + InjectionAgent.Length && entry.End > collected.Agent);
        ulong total = maps.Aggregate(0UL, (sum, entry) => sum + entry.Length);
        Assert.Equal(total - InjectionAgent.Length, collected.Mappings.Aggregate(0UL, (sum, entry) => sum + entry.Length));
        Assert.Equal(collected.Mappings.Select(entry => (entry.Start, entry.End, (int)entry.Access & 7)),
            collected.Process.Mappings.Select(mapping => (mapping.Start, mapping.End, mapping.Protection)));
        foreach (SmapsEntry entry in TaskFiles.OfProcess(target.Pid).ReadSmaps()!)
        {
            MappingImage? image = collected.Process.Mappings.FirstOrDefault(mapping => mapping.Start == entry.Mapping.Start);
            if (image is null || entry.Mapping.IsKernelProvided)
                continue;
            Assert.Equal((entry.Flags & VmFlags.DontDump) != 0, image.Traits.HasFlag(MappingTraits.DontDump));
            Assert.Equal((entry.Flags & VmFlags.DontCopyOnFork) != 0, image.Traits.HasFlag(MappingTraits.DontFork));
            Assert.Equal((entry.Flags & VmFlags.WipeOnFork) != 0, image.Traits.HasFlag(MappingTraits.WipeOnFork));
            Assert.Equal((entry.Flags & VmFlags.HugePageAdvised) != 0, image.Traits.HasFlag(MappingTraits.HugePage));
            Assert.Equal((entry.Flags & VmFlags.Locked) != 0, image.Traits.HasFlag(MappingTraits.Locked));
            Assert.Equal((entry.Flags & VmFlags.GrowsDown) != 0, image.Traits.HasFlag(MappingTraits.GrowsDown));
            Assert.Equal((entry.Flags & VmFlags.NoReserve) != 0, image.Traits.HasFlag(MappingTraits.NoReserve));
        }

        Assert.All(collected.Image!.Files.Where(file => file.Path.EndsWith(".so.6", StringComparison.Ordinal)), file => Assert.NotNull(file.BuildId));
    }

    [Fact]
    public void Shared_memory_is_listed_once_an_object_with_its_whole_length()
    {
        using Testing.Target target = Targets.Start("shared_memory");
        Collected collected = Collected.From(target.Pid);
        SpaceImage[] memfds = [.. collected.Image!.Spaces.Where(space => space.Kind == SpaceKind.Memfd).OrderBy(space => space.Name, StringComparer.Ordinal)];
        Assert.Equal(["doubled", "offset", "sealed", "sparse", "unmapped"], memfds.Select(space => space.Name));
        Assert.Equal([64 * 4096UL, 100 * 4096, 64 * 4096, 1 << 30, 6 * 4096], memfds.Select(space => space.Length));
        Assert.Equal(0x0F, memfds[2].Seals);
        Assert.Equal(2, collected.Image.Spaces.Count(space => space.Kind == SpaceKind.SharedAnonymous));
        Assert.All(collected.Image.Spaces.Where(space => space.Kind == SpaceKind.SharedAnonymous), space => Assert.Equal(64 * 4096UL, space.Length));
        SpaceId doubled = memfds[0].Id;
        Assert.Equal(2, collected.Process.Mappings.Count(mapping => mapping.SharedSpace == doubled));
        MemfdDescription unmapped = Assert.Single(collected.Image.Descriptions.OfType<MemfdDescription>(), memfd => memfd.Space == memfds[4].Id);
        Assert.Equal(4096 * 5, unmapped.Position);
        Assert.All(collected.SharedObjects, shared => Assert.True(shared.Descriptor >= 0 || shared.Mapping is not null));
    }

    [Fact]
    public void A_large_number_of_threads_is_collected_at_once()
    {
        using Testing.Target target = Targets.Start("avx_threads", "40");
        Collected collected = Collected.From(target.Pid);
        Assert.Equal(TaskFiles.OfProcess(target.Pid).ListThreads()!.Count, collected.Process.Threads.Count);
        Assert.Equal(collected.Process.Threads.Count, collected.Process.Threads.Select(thread => thread.ClearTidAddress).Distinct().Count());
        Assert.All(collected.Process.Threads, thread => Assert.Equal(0x33UL, BitConverter.ToUInt64(thread.Registers, 17 * 8)));
        Assert.Empty(target.Check());
    }

    [Fact]
    public void Attributes_are_those_the_program_gave_itself()
    {
        using Testing.Target target = Targets.Start("process_attributes", "{dir}");
        ProcessImage image = Collected.From(target.Pid).Process;
        ThreadImage thread = image.Threads[0];
        Assert.Equal(0x5F, image.Umask);
        Assert.Equal((7, 3, 123456UL, (2 << 13) | 6, "attributed"), (thread.Nice, thread.SchedulingPolicy, thread.TimerSlackNanoseconds, thread.IoPriority, thread.Name));
        Assert.Equal((byte)1, thread.Affinity[0]);
        Assert.Equal((321, 0x7FU), (image.OomScoreAdjust, image.CoredumpFilter));
        Assert.True(image is { HugePagesDisabled: true, IsSubreaper: true, Credentials.NoNewPrivileges: true });
        Assert.Equal(16, image.MembarrierRegistrations & 16);
    }

    [Fact]
    public void Timers_are_recorded_with_what_remains_of_them()
    {
        using Testing.Target target = Targets.Start("timers");
        ProcessImage image = Collected.From(target.Pid).Process;
        Assert.Equal([0, 2, 3, 4, 5], image.PosixTimers.Select(timer => timer.Id).Order());
        PosixTimerImage distant = image.PosixTimers.Single(timer => timer.Id == 2), toThread = image.PosixTimers.Single(timer => timer.Id == 5);
        Assert.InRange(distant.RemainingNanoseconds, 1800_000_000_000UL, 3600_000_000_000UL);
        Assert.Equal((4, 4UL, 7_000_000UL), (toThread.Notify, toThread.Value & 0xFFFF_FFFF, toThread.IntervalNanoseconds));
        Assert.Contains(image.Threads, thread => thread.Tid == toThread.Tid && thread.Tid != target.Pid);
        Assert.Equal([0, 1, 2], image.IntervalTimers.Select(timer => timer.Which));
        Assert.Equal(7_000_000UL, image.IntervalTimers[1].IntervalMicroseconds);
    }

    [Fact]
    public void Pending_signals_are_kept_apart_by_process_and_thread_with_their_siginfo()
    {
        using Testing.Target target = Targets.Start("signals");
        ProcessImage image = Collected.From(target.Pid).Process;
        Assert.NotEmpty(image.PendingSignals);
        ProcStatus status = TaskFiles.OfProcess(target.Pid).ReadStatus()!;
        Assert.Equal(status.SharedPendingSignals, image.PendingSignals.Aggregate(0UL, (mask, info) => mask | (1UL << (BitConverter.ToInt32(info) - 1))));
        foreach (ThreadImage thread in image.Threads)
        {
            ProcStatus its = TaskFiles.OfThread(target.Pid, thread.Tid).ReadStatus()!;
            Assert.Equal(its.PendingSignals, thread.PendingSignals.Aggregate(0UL, (mask, info) => mask | (1UL << (BitConverter.ToInt32(info) - 1))));
            Assert.Equal(its.BlockedSignals, thread.SignalMask);
        }

        Assert.Empty(target.Check());
    }

    [Fact]
    public void Direct_io_is_seen_live_and_frozen()
    {
        using Testing.Target target = Targets.Start("direct_io", "{dir}");
        Assert.True(Collected.From(target.Pid).HasDirectIo);
        using Testing.Target other = Targets.Start("descriptors", "{dir}");
        Assert.False(Collected.From(other.Pid).HasDirectIo);
    }

    [Fact]
    public void A_target_that_calls_exec_between_checkpoints_is_collected_as_the_new_program()
    {
        (FileDescriptor read, FileDescriptor write) = FileDescriptor.CreatePipe();
        using FileDescriptor gate = write;
        using ShellTarget shell = ShellTarget.Start("read line; exec sleep 1000", new() { [0] = read });
        read.Dispose();
        IReadOnlyList<Collected> all = Collected.Repeatedly(shell.Pid, 2, i =>
        {
            if (i == 0)
                gate.WriteAll("go\n"u8);
            Patience.Until(() => TaskFiles.OfProcess(shell.Pid).ReadStat() is { Command: "sleep", State: 'S' }, () => "exec");
        });
        Assert.EndsWith("bash", all[0].Image!.Files[all[0].Process.Executable].Path, StringComparison.Ordinal);
        Assert.EndsWith("sleep", all[1].Image!.Files[all[1].Process.Executable].Path, StringComparison.Ordinal);
        Assert.Equal(["sleep", "1000"], all[1].Process.CommandLine);
        Assert.Empty(Fingerprint.FindHarm(shell.Pid));
        Assert.Contains(all[1].Process.Mappings, mapping => mapping.Kind == Snap.Image.MappingKind.Vdso);
    }
}

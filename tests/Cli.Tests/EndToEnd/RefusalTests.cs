using System.Text.Json;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>Bad input: a clear error each, the target unharmed, the store intact.</summary>
public sealed class RefusalTests
{
    [SkippableFact]
    public void A_dead_pid_is_named()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("sleeper");
        int pid = target.Pid;
        target.Kill();
        SnapError error = store.Fails("take", SnapStore.Text(pid));
        Assert.Equal(3, error.ExitCode);
        Assert.Contains(SnapStore.Text(pid), error.Text, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_zombie_is_refused()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        ChildProcess zombie = ChildProcess.Start(new SpawnOptions { Program = "true" });
        try
        {
            Patience.Until(() => File.ReadAllText($"/proc/{zombie.Pid}/stat").Contains(") Z ", StringComparison.Ordinal), "true to end");
            SnapError error = store.Fails("take", SnapStore.Text(zombie.Pid));
            Assert.NotEqual(1, error.ExitCode);
        }
        finally
        {
            zombie.Wait();
        }
    }

    [SkippableTheory]
    [InlineData("1", 4)]
    [InlineData("2", 4)]
    public void Pid_1_and_kernel_threads_are_refused(string pid, int exitCode)
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.If(pid == "2" && !File.ReadAllText("/proc/2/stat").Contains("kthreadd", StringComparison.Ordinal), "pid 2 is no kernel thread here");
        SnapError error = store.Fails("take", pid);
        Assert.Equal(exitCode, error.ExitCode);
    }

    /// <summary>A snapshot of the command by itself, or by its own parent's wish, can never be: asked for through a name and through a pid.</summary>
    [SkippableFact]
    public void Snap_itself_is_refused()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        // A shell becomes snap, so that the pid is known before.
        CommandResult result = Command.Run("sh", ["-c", "exec \"$0\" take $$", SnapStore.Binary!], new Dictionary<string, string?> { ["SNAP_STORE"] = store.Path });
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("snap: S", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("S0001", result.Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Another_users_process_is_refused_to_an_ordinary_user()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.IfNot(Environment.IsPrivilegedProcess, "needs root, to become an ordinary user");
        Skip.If(Command.Run("setpriv", ["--reuid", "65534", "--clear-groups", SnapStore.Binary!, "--version"]).ExitCode != 0, "nobody may not run the binary where it lies");
        using Target target = Target.Start("sleeper");
        using var home = new TemporaryDirectory();
        Command.Run("chmod", ["777", home.Path]);
        CommandResult result = Command.Run("setpriv", ["--reuid", "65534", "--clear-groups", SnapStore.Binary!, "take", SnapStore.Text(target.Pid), "--store", home["store"]]);
        Assert.Equal(5, result.ExitCode);
        Assert.Contains(SnapStore.Text(target.Pid), result.Error, StringComparison.Ordinal);
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void A_32_bit_process_is_refused_and_unharmed()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.IfNot(CompiledProgram.CanCompile32Bit, "gcc makes no 32-bit programs here");
        ExpectRefused(store, 4, "64-bit", "bits32");
    }

    [SkippableFact]
    public void A_process_under_gdb_is_refused_and_the_debugger_named()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("sleeper");
        Skip.If(Command.Run("sh", ["-c", "command -v gdb"]).ExitCode != 0, "gdb is not installed");
        using Command gdb = Command.Start("gdb", ["-q", "-nx", "-p", SnapStore.Text(target.Pid)]);
        Patience.Until(() => Fingerprint.FindHarm(target.Pid).Any(harm => harm.Contains("traced", StringComparison.Ordinal)), "gdb to attach");
        SnapError error = store.Fails("take", SnapStore.Text(target.Pid));
        Assert.Equal(7, error.ExitCode);
        Assert.Contains("gdb", error.Text, StringComparison.Ordinal);
        gdb.Write("detach\nquit\n");
        gdb.WaitForEnd();
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void A_process_with_a_strict_seccomp_thread_is_refused_and_unharmed() => ExpectRefusedOrSkip(4, "seccomp", "seccomp", "strict");

    [SkippableTheory]
    [InlineData("socket")]
    [InlineData("socketpair")]
    [InlineData("inotify")]
    [InlineData("io_uring")]
    [InlineData("userfaultfd")]
    [InlineData("perf")]
    [InlineData("bpf")]
    [InlineData("memfd_secret")]
    [InlineData("fanotify")]
    [InlineData("fifo")]
    [InlineData("terminal")]
    [InlineData("tun")]
    [InlineData("namespace")]
    public void A_descriptor_that_cannot_be_captured_is_named(string kind) => ExpectRefusedOrSkip(4, "fd ", "odd_descriptors", "{dir}", kind);

    [SkippableFact]
    public void Asynchronous_io_contexts_are_refused() => ExpectRefusedOrSkip(4, "aio", "odd_descriptors", "{dir}", "aio");

    [SkippableFact]
    public void A_dead_thread_group_leader_is_refused() => ExpectRefusedOrSkip(3, "ended", "dead_leader");

    [SkippableFact]
    public void A_thread_in_vfork_lets_the_freeze_give_up_and_everything_run_on()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("vfork_child");
        SnapError error = store.Fails("take", SnapStore.Text(target.Pid));
        Assert.Contains(error.ExitCode, new[] { 4, 10 });
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        Assert.Equal(["release"], target.Ask("release"));
        Assert.Empty(target.Check());
        store.Take(target.Pid);
        Assert.Equal(["bye"], target.Ask("exit"));
    }

    [SkippableFact]
    public void Unknown_references_and_moments_before_the_first_snapshot_are_refused()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("sleeper");
        JsonElement taken = store.Take(target.Pid);
        string name = taken.GetProperty("name").GetString()!;
        foreach (string reference in new[] { "nobody", "ffffffffffff", $"{name}~1", $"{name}@1h", $"{name}@2001-01-01T00:00:00Z", "no-such-tag" })
        {
            Assert.Equal(3, store.Fails("show", reference).ExitCode);
            Assert.Equal(3, store.Fails("restore", reference).ExitCode);
        }

        Assert.Equal(2, store.Fails("show", "@@@").ExitCode);
        Assert.Equal(2, store.Fails("watch", SnapStore.Text(target.Pid), "--every", "soon").ExitCode);
        Assert.Empty(target.Check());
        Assert.Single(store.Log());
    }

    [SkippableFact]
    public void A_second_writer_is_told_who_holds_the_store()
    {
        using SnapStore store = SnapStore.OpenOrSkip(withEngine: false);
        using Target target = Target.Start("sleeper"), other = Target.Start("sleeper");
        using Command watch = store.Start("watch", SnapStore.Text(target.Pid), "--every", "50ms");
        Patience.Until(() => store.Log().Count >= 1, "a snapshot");
        SnapError error = store.Fails("take", SnapStore.Text(other.Pid));
        Assert.Equal(7, error.ExitCode);
        Assert.Contains(SnapStore.Text(watch.Child.Pid), error.Text, StringComparison.Ordinal);
        Assert.Empty(other.Check());
        watch.Signal(Signal.SIGINT);
        watch.WaitForEnd();
        store.Take(other.Pid);
    }

    [SkippableFact]
    public void A_directory_that_is_no_store_and_a_damaged_store_are_refused()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("sleeper");
        Directory.CreateDirectory(store.Path);
        File.WriteAllText(Path.Combine(store.Path, "letters"), "private");
        Assert.Equal(6, store.Fails("take", SnapStore.Text(target.Pid)).ExitCode);
        Assert.Equal("private", File.ReadAllText(Path.Combine(store.Path, "letters")));
        Directory.Delete(store.Path, recursive: true);

        store.Take(target.Pid);
        store.StopEngine();
        foreach (string file in Directory.EnumerateFiles(store.Path, "*", SearchOption.AllDirectories))
        {
            byte[] bytes = File.ReadAllBytes(file);
            for (int i = bytes.Length / 3; i < bytes.Length * 2 / 3; i++)
                bytes[i] ^= 0x5a;
            File.WriteAllBytes(file, bytes);
        }

        SnapError error = store.Fails("restore", "latest");
        Assert.Contains(error.ExitCode, new[] { 3, 6 });
        Assert.DoesNotContain("S0001", error.Text, StringComparison.Ordinal);
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void A_full_disk_is_reported_and_harms_neither_target_nor_snapshots()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.IfNot(Environment.IsPrivilegedProcess, "needs root, to mount a small file system");
        using var small = new SmallFileSystem(24);
        using Target target = Target.Start("sleeper"), large = Target.Start("busy_writer", "64", "0");
        CommandResult first = store.Run("take", SnapStore.Text(target.Pid), "--store", small["store"]);
        Assert.True(first.ExitCode == 0, first.ToString());
        CommandResult full = store.Run("take", SnapStore.Text(large.Pid), "--store", small["store"]);
        Assert.Equal(8, full.ExitCode);
        Assert.Empty(Fingerprint.FindHarm(large.Pid));
        Assert.Empty(large.Check());
        store.Run("engine", "stop", "--store", small["store"]);
        target.Kill();
        Command parent = store.RestoreInto(target, "latest", "--store", small["store"]);
        Assert.Empty(target.Check());
        target.Kill();
        parent.WaitForEnd();
    }

    private static void ExpectRefusedOrSkip(int exitCode, string says, string program, params string[] arguments)
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        ExpectRefused(store, exitCode, says, program, arguments);
    }

    private static void ExpectRefused(SnapStore store, int exitCode, string says, string program, params string[] arguments)
    {
        Target target;
        try
        {
            target = Target.Start(program, arguments);
        }
        catch (TargetUnavailableException unavailable)
        {
            Skip.If(true, unavailable.Message);
            throw;
        }

        using (target)
        {
            SnapError error = store.Fails("take", SnapStore.Text(target.Pid));
            Assert.True(error.ExitCode == exitCode, $"exit code {error.ExitCode}: {error.Text}");
            Assert.Contains(says, error.Text, StringComparison.OrdinalIgnoreCase);
            Assert.Empty(target.Check());
            Assert.Empty(store.Log());
            if (program != "bits32")
                Assert.Equal(["bye"], target.Ask("exit"));
        }
    }
}

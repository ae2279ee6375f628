using System.Globalization;
using System.Text.Json;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>The store's engine as a process: how it comes, what it keeps, and how it goes.</summary>
public sealed class EngineTests
{
    [SkippableFact]
    public void The_second_take_uses_the_tracer_of_the_first()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "64", "50");
        JsonElement first = store.Take(target.Pid);
        JsonElement kept = Assert.Single(store.Json("ps").EnumerateArray());
        int tracer = kept.GetProperty("tracerPid").GetInt32();
        Assert.Equal(("kept", target.Pid, true), (kept.GetProperty("state").GetString(), kept.GetProperty("pid").GetInt32(), tracer > 0));
        JsonElement second = store.Take(target.Pid);
        Assert.Equal(Id(first), second.GetProperty("parent").GetString());
        Assert.True(second.GetProperty("pagesDirty").GetInt64() < first.GetProperty("pagesDirty").GetInt64() / 2);
        Assert.Equal(tracer, store.Json("ps")[0].GetProperty("tracerPid").GetInt32());
        Assert.Equal(Id(second), store.Json("ps")[0].GetProperty("last").GetString());
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void Many_commands_at_once_start_one_engine()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Target[] targets = [.. Enumerable.Range(0, 4).Select(_ => Target.Start("sleeper"))];
        try
        {
            Command[] takes = [.. targets.Select(target => store.Start("take", SnapStore.Text(target.Pid)))];
            Assert.All(takes, take =>
            {
                CommandResult result = take.WaitForEnd();
                Assert.True(result.ExitCode == 0, result.ToString());
            });
            Assert.Equal(4, store.Log().Count);
            Assert.Equal(4, store.Json("engine", "status").GetProperty("engine").GetProperty("tracked").GetInt32());
        }
        finally
        {
            Array.ForEach(targets, target => target.Dispose());
        }
    }

    [SkippableFact]
    public void Other_commands_write_beside_a_watch()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "16", "500"), other = Target.Start("counter");
        using Command watch = store.Start("watch", SnapStore.Text(target.Pid), "--every", "20ms", "--name", "writer");
        Patience.Until(() => store.Log().Count >= 6 || watch.Child.TryWait(out _), "six snapshots");
        string oldest = Id(store.Log()[^1]);
        store.Json("tag", oldest, "first");
        store.Json("rm", Id(store.Log()[^2]));
        store.Take(other.Pid);
        // One more of the watched process, in its own chain.
        Assert.Equal("writer", store.Take(target.Pid).GetProperty("name").GetString());
        Assert.True(store.Json("gc", "--keep-last", "2").GetProperty("deleted").GetInt32() > 0);
        Assert.Contains(oldest, store.Log().Select(Id));
        int count = store.Log().Count;
        Patience.Until(() => store.Log().Count > count || watch.Child.TryWait(out _), "the watch to go on");
        watch.Signal(Signal.SIGINT);
        CommandResult ended = watch.WaitForEnd();
        Assert.True(ended.ExitCode == 0, ended.ToString());
        Assert.Contains("stopped:", ended.Output, StringComparison.Ordinal);
        Assert.Empty(target.Check());
        target.Kill();
        Command parent = store.RestoreInto(target, "writer");
        Assert.Empty(target.Check());
        target.Kill();
        parent.WaitForEnd();
    }

    [SkippableFact]
    public void A_detached_watch_survives_its_command_and_ends_with_unwatch()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "16", "500");
        JsonElement watch = store.Json("watch", SnapStore.Text(target.Pid), "--every", "30ms", "--detach", "--name", "job");
        Assert.Equal(("watched", true, "job"), (watch.GetProperty("state").GetString(), watch.GetProperty("detached").GetBoolean(), watch.GetProperty("name").GetString()));
        Patience.Until(() => store.Log().Count >= 4, "snapshots without a command");
        JsonElement listed = Assert.Single(store.Json("ps").EnumerateArray());
        Assert.Equal(30, listed.GetProperty("everyMilliseconds").GetDouble());
        Assert.Contains("job", store.Run("ps").Output, StringComparison.Ordinal);
        Assert.Single(store.Json("unwatch", "job").EnumerateArray());
        int count = store.Log().Count;
        Assert.Equal("S0713", store.Fails("unwatch", SnapStore.Text(target.Pid)).Id);
        Assert.Equal("ended", store.Json("ps")[0].GetProperty("state").GetString());
        Assert.Equal(count, store.Log().Count);
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void A_watch_ends_with_its_target_and_says_how_that_ended()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("counter", "500"), killed = Target.Start("sleeper");
        foreach (Target each in new[] { target, killed })
            store.Json("watch", SnapStore.Text(each.Pid), "--every", "30ms", "--detach");
        Assert.Equal(["bye"], target.Ask("exit"));
        killed.Kill();
        Patience.Until(() => store.Json("ps").EnumerateArray().All(each => each.GetProperty("state").GetString() == "ended"), "both watches to end");
        Dictionary<int, string> ends = store.Json("ps").EnumerateArray().ToDictionary(each => each.GetProperty("pid").GetInt32(), each => each.GetProperty("end").GetString()!);
        Assert.Equal("the target was killed by signal 9", ends[killed.Pid]);
        Assert.Equal("the target exited with 0", ends[target.Pid]);
    }

    [SkippableFact]
    public void A_detached_watch_of_what_can_not_be_captured_is_refused_at_once()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Assert.Equal("S0201", store.Fails("watch", "4194301", "--every", "1s", "--detach").Id);
        Assert.All(store.Json("ps").EnumerateArray(), watch => Assert.Equal("ended", watch.GetProperty("state").GetString()));
    }

    [SkippableFact]
    public void When_its_engine_is_killed_a_command_says_so_and_the_target_runs_on()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "16", "500");
        using Command watch = store.Start("watch", SnapStore.Text(target.Pid), "--every", "20ms");
        Patience.Until(() => store.Log().Count >= 3 || watch.Child.TryWait(out _), "three snapshots");
        KillEngine(store);
        CommandResult ended = watch.WaitForEnd();
        Assert.NotEqual(0, ended.ExitCode);
        Assert.Contains("S0708", ended.Error, StringComparison.Ordinal);
        Patience.Until(() => Fingerprint.FindHarm(target.Pid).Count == 0, "the target to be let go");
        Assert.Empty(target.Check());
        string before = Id(store.Log()[0]);
        Assert.Equal(before, store.Take(target.Pid).GetProperty("parent").GetString());
        target.Kill();
        Command parent = store.RestoreInto(target, "latest");
        Assert.Empty(target.Check());
        target.Kill();
        parent.WaitForEnd();
    }

    [SkippableFact]
    public void After_its_engine_was_killed_a_process_stays_tracked_and_the_next_take_is_an_increment()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "64", "50");
        JsonElement first = store.Take(target.Pid), second = store.Take(target.Pid);
        int tracer = store.Json("ps")[0].GetProperty("tracerPid").GetInt32();
        KillEngine(store);
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        JsonElement third = store.Take(target.Pid);
        Assert.Equal((Id(second), false), (third.GetProperty("parent").GetString(), third.GetProperty("full").GetBoolean()));
        Assert.True(third.GetProperty("pagesDirty").GetInt64() < first.GetProperty("pagesDirty").GetInt64() / 2);
        Assert.Equal(tracer, store.Json("ps")[0].GetProperty("tracerPid").GetInt32());
        Assert.Contains($"its tracer {tracer} goes on", File.ReadAllText(Path.Combine(store.Path, "engine.log")), StringComparison.Ordinal);
        foreach (string snapshot in new[] { Id(second), Id(third) })
        {
            target.Kill();
            Command parent = store.RestoreInto(target, snapshot);
            Assert.Empty(target.Check());
            target.Kill();
            parent.WaitForEnd();
        }
    }

    [SkippableFact]
    public void A_detached_watch_goes_on_with_the_next_engine()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "32", "500"), other = Target.Start("sleeper");
        store.Json("watch", SnapStore.Text(target.Pid), "--every", "30ms", "--detach", "--name", "job", "--exclude", "nothing-of-this-name");
        Patience.Until(() => store.Log().Count >= 3, "snapshots");
        JsonElement before = store.Json("ps")[0];
        KillEngine(store);
        string newest = Id(store.Log()[0]);
        int count = store.Log().Count;
        store.Take(other.Pid);
        Patience.Until(() => store.Log().Count >= count + 4, "the watch to go on");
        JsonElement after = store.Json("ps").EnumerateArray().Single(each => each.GetProperty("pid").GetInt32() == target.Pid);
        foreach (string member in new[] { "watch", "name", "tracerPid", "everyMilliseconds", "detached" })
            Assert.Equal(before.GetProperty(member).ToString(), after.GetProperty(member).ToString());
        Assert.Contains(newest, store.Log().Select(each => each.GetProperty("parent").GetString()));
        store.Json("unwatch", "job");
        // One that was ended isn't resumed.
        KillEngine(store);
        count = store.Log().Count;
        store.Take(other.Pid);
        Assert.Equal(count + 1, store.Log().Count);
        Assert.DoesNotContain(store.Json("ps").EnumerateArray(), each => each.GetProperty("state").GetString() == "watched");
        target.Kill();
        Command parent = store.RestoreInto(target, "job");
        Assert.Empty(target.Check());
        target.Kill();
        parent.WaitForEnd();
    }

    /// <summary>As the command of another version asks an engine to.</summary>
    [SkippableFact]
    public void An_engine_that_is_to_hand_over_leaves_tracers_and_detached_watches_to_the_next()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.IfNot(File.Exists("/usr/bin/curl"), "curl isn't installed");
        using Target target = Target.Start("busy_writer", "32", "500"), kept = Target.Start("busy_writer", "32", "50");
        JsonElement first = store.Take(kept.Pid);
        store.Json("watch", SnapStore.Text(target.Pid), "--every", "30ms", "--detach", "--name", "job");
        int[] tracers = [.. store.Json("ps").EnumerateArray().Select(each => each.GetProperty("tracerPid").GetInt32()).Order()];
        using ProcessHandle engine = ProcessHandle.OpenOrGone(EnginePid(store))!;
        CommandResult asked = Command.Run("curl", ["-sS", "--unix-socket", Path.Combine(store.Path, "engine.sock"), "-d", "{\"handOver\":true,\"ifIdle\":true}", "http://snap/v1/stop"]);
        Assert.Contains("\"pid\"", asked.Output, StringComparison.Ordinal);
        Assert.True(engine.WaitForExit((int)Patience.Limit.TotalMilliseconds));
        string newest = Id(store.Log()[0]);
        JsonElement second = store.Take(kept.Pid);
        Assert.Equal(Id(first), second.GetProperty("parent").GetString());
        Assert.True(second.GetProperty("pagesDirty").GetInt64() < first.GetProperty("pagesDirty").GetInt64() / 2);
        Assert.Equal(tracers, store.Json("ps").EnumerateArray().Select(each => each.GetProperty("tracerPid").GetInt32()).Order());
        Patience.Until(() => store.Log().Any(each => each.GetProperty("parent").GetString() == newest), "the watch to go on");
        Assert.Empty(target.Check());
        Assert.Empty(kept.Check());
    }

    [SkippableFact]
    public void Stopping_an_engine_that_was_killed_leaves_nothing_of_it()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("counter");
        store.Json("watch", SnapStore.Text(target.Pid), "--every", "50ms", "--detach");
        using ProcessHandle tracer = ProcessHandle.OpenOrGone(store.Json("ps")[0].GetProperty("tracerPid").GetInt32())!;
        KillEngine(store);
        Assert.False(tracer.HasExited);
        Assert.Contains("1 tracers, 1 watches", store.Run("engine", "stop").Output, StringComparison.Ordinal);
        Assert.True(tracer.HasExited);
        int count = store.Log().Count;
        using Target other = Target.Start("sleeper");
        store.Take(other.Pid);
        Assert.Equal(count + 1, store.Log().Count);
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
    }

    [SkippableFact]
    public void A_tracer_whose_engine_never_comes_back_ends_after_its_time()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("counter");
        using (Command take = store.StartWith(new() { ["SNAP_TRACER_PATIENCE"] = "300ms" }, "take", SnapStore.Text(target.Pid)))
            Assert.Equal(0, take.WaitForEnd().ExitCode);
        using ProcessHandle tracer = ProcessHandle.OpenOrGone(store.Json("ps")[0].GetProperty("tracerPid").GetInt32())!;
        KillEngine(store);
        Assert.True(tracer.WaitForExit((int)Patience.Limit.TotalMilliseconds));
        Assert.Empty(Directory.GetFiles(Path.Combine(store.Path, "tracers")));
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void A_program_under_run_outlives_the_engine()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Command run = store.Start("run", "--every", "20ms", "--", "sh", "-c", "read line; echo \"got $line\"; exit 7");
        Patience.Until(() => store.Json("engine", "status").GetProperty("running").GetBoolean() || run.Child.TryWait(out _), "an engine");
        Patience.Until(() => store.Json("ps").GetArrayLength() > 0, "the watch");
        KillEngine(store);
        run.Write("on\n");
        CommandResult ended = run.WaitForEnd();
        Assert.Equal((7, "got on\n"), (ended.ExitCode, ended.Output));
        Assert.Contains("S0708", ended.Error, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("Encode")]
    [InlineData("Commit")]
    [InlineData("Acknowledge")]
    public void An_engine_that_dies_at_work_harms_neither_target_nor_snapshots(string point)
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("sleeper", "3");
        Fingerprint before = Fingerprint.OfIdle(target);
        string first = Id(store.Take(target.Pid));
        for (int pass = 1; pass <= 2; pass++)
        {
            store.StopEngine();
            using Command engine = store.StartWith(new() { ["SNAP_FAULT"] = string.Create(CultureInfo.InvariantCulture, $"{point}:{pass}:kill") }, "engine", "run");
            Patience.Until(() => store.Json("engine", "status").GetProperty("running").GetBoolean(), "the engine to listen");
            CommandResult take = store.Run("take", SnapStore.Text(target.Pid));
            if (take.ExitCode == 0)
                break; // a checkpoint passes this point less often
            Assert.Contains("S0708", take.Error, StringComparison.Ordinal);
            Patience.Until(() => Fingerprint.Differences(before, Fingerprint.Of(target.Pid)).Count == 0, "the target to be as before");
        }

        Assert.Contains(first, store.Log().Select(Id));
        Assert.True(store.Json("verify", "--read-data").GetProperty("whole").GetBoolean());
        store.Take(target.Pid);
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void An_engine_keeps_nothing_of_the_command_that_started_it()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("sleeper");
        // The reader of the pipe sees its end: WaitForEnd throws if somebody keeps it open.
        CommandResult shell = Command.Run("sh", ["-c", "cd /usr; exec 7</etc/passwd; id=$(\"$0\" take \"$1\"); echo \"$id\"", SnapStore.Binary!, SnapStore.Text(target.Pid)],
            new Dictionary<string, string?> { ["SNAP_STORE"] = store.Path });
        Assert.True(shell.ExitCode == 0, shell.ToString());
        int engine = EnginePid(store);
        Assert.Equal(engine, TaskFiles.OfProcess(engine).ReadStat()!.Session);
        Assert.Equal("/", new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{engine}/cwd")).LinkTarget);
        string[] open = [.. Directory.EnumerateFileSystemEntries(string.Create(CultureInfo.InvariantCulture, $"/proc/{engine}/fd")).Select(fd => new FileInfo(fd).LinkTarget ?? "")];
        Assert.DoesNotContain("/etc/passwd", open);
        string[] standard = [.. Enumerable.Range(0, 3).Select(number => new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{engine}/fd/{number}")).LinkTarget!)];
        Assert.Equal(["/dev/null", "/dev/null", Path.Combine(store.Path, "engine.log")], standard);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(store.Path, "engine.log")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(store.Path, "engine.sock")));
    }

    [SkippableFact]
    public void A_store_with_a_long_path_has_an_engine_too()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("sleeper");
        string directory = store[string.Join('/', Enumerable.Repeat("a-long-name-of-a-directory", 8))];
        Directory.CreateDirectory(Path.GetDirectoryName(directory)!);
        foreach (int _ in new[] { 1, 2 })
        {
            CommandResult take = store.Run("take", SnapStore.Text(target.Pid), "--store", directory);
            Assert.True(take.ExitCode == 0, take.ToString());
        }

        Assert.Contains("stopped engine", store.Run("engine", "stop", "--store", directory).Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void What_was_tracked_is_let_go_when_the_snapshot_it_builds_on_is_deleted_and_taken_anew()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "16", "500");
        string first = Id(store.Take(target.Pid)), second = Id(store.Take(target.Pid));
        store.Json("rm", second);
        JsonElement third = store.Take(target.Pid);
        Assert.Equal(first, third.GetProperty("parent").GetString());
        store.Json("rm", Id(third), first);
        JsonElement alone = store.Take(target.Pid);
        Assert.True(alone.GetProperty("full").GetBoolean());
        target.Kill();
        Command parent = store.RestoreInto(target, Id(alone));
        Assert.Empty(target.Check());
        target.Kill();
        parent.WaitForEnd();
    }

    [SkippableFact]
    public void An_engine_with_nothing_to_do_ends_and_lets_its_targets_go()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("sleeper");
        using (Command take = store.StartWith(new() { ["SNAP_ENGINE_LINGER"] = "300ms" }, "take", SnapStore.Text(target.Pid)))
            Assert.Equal(0, take.WaitForEnd().ExitCode);
        // Asking it whether it still runs would be use of it.
        Patience.Until(() => File.ReadAllText(Path.Combine(store.Path, "engine.log")).Contains("nothing to do", StringComparison.Ordinal), "the engine to say that it ends");
        Patience.Until(() => !store.Json("engine", "status").GetProperty("running").GetBoolean(), "the engine to end");
        Assert.Empty(Fingerprint.FindHarm(target.Pid));
        store.Take(target.Pid);
    }

    [SkippableFact]
    public void Curl_can_use_the_api()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.IfNot(File.Exists("/usr/bin/curl"), "curl isn't installed");
        using Target target = Target.Start("sleeper");
        store.Take(target.Pid);
        string socket = Path.Combine(store.Path, "engine.sock");
        JsonElement Curl(params string[] arguments)
        {
            CommandResult result = Command.Run("curl", ["-sS", "--unix-socket", socket, .. arguments]);
            Assert.True(result.ExitCode == 0, result.ToString());
            return JsonDocument.Parse(result.Output).RootElement;
        }

        Assert.Equal(1, Curl("http://snap/v1/engine").GetProperty("tracked").GetInt32());
        Assert.Equal(target.Pid, Curl("-d", $"{{\"pid\":{target.Pid}}}", "http://snap/v1/take").GetProperty("facts").GetProperty("pid").GetInt32());
        Assert.Equal("S0714", Curl("-d", "{", "http://snap/v1/take").GetProperty("error").GetProperty("id").GetString());
        Assert.Equal("S0714", Curl("http://snap/v2").GetProperty("error").GetProperty("id").GetString());
        Assert.Equal("S0201", Curl("-d", "{\"pid\":4194301}", "http://snap/v1/take").GetProperty("error").GetProperty("id").GetString());
        Assert.Equal("S0709", Curl("-H", "Snap-Client: 99 9.9", "-X", "POST", "-d", "{\"pid\":1}", "http://snap/v1/take").GetProperty("error").GetProperty("id").GetString());
        CommandResult metrics = Command.Run("curl", ["-sS", "--unix-socket", socket, "http://snap/metrics"]);
        Assert.Contains("\nsnap_snapshots_total 2\n", metrics.Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_caller_in_another_pid_namespace_is_refused()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.IfNot(Environment.IsPrivilegedProcess, "needs root, to make a pid namespace");
        using Target target = Target.Start("sleeper");
        store.Take(target.Pid);
        CommandResult inside = Command.Run("unshare", ["--pid", "--fork", "--mount-proc", SnapStore.Binary!, "take", "1", "--store", store.Path]);
        Assert.Equal(5, inside.ExitCode);
        Assert.Contains("S0710", inside.Error, StringComparison.Ordinal);
        Assert.Single(store.Log());
    }

    private static string Id(JsonElement snapshot) => snapshot.GetProperty("id").GetString()!;

    private static int EnginePid(SnapStore store) => store.Json("engine", "status").GetProperty("engine").GetProperty("pid").GetInt32();

    private static void KillEngine(SnapStore store)
    {
        using ProcessHandle engine = ProcessHandle.OpenOrGone(EnginePid(store))!;
        engine.TrySignal(Signal.SIGKILL);
        Assert.True(engine.WaitForExit((int)Patience.Limit.TotalMilliseconds));
    }
}

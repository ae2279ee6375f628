using System.Text.Json;
using Snap.Kernel.Procfs;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>Trees of real programs, whose children come and go.</summary>
public sealed class TreeTests
{
    // The shell makes two children a round, which live for a moment: snapshots meet them at any point of fork, exec, pipe and exit.
    [SkippableFact]
    public void A_shell_that_runs_pipelines_goes_on_from_any_snapshot_without_losing_a_line()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using var shell = new CommandTarget("bash", "-c", "i=0; while :; do i=$((i+1)); echo $i | sed 's/^/line /' >> {dir}/log; done");
        var snapshots = new List<string>();
        for (int i = 0; i < 4; i++)
        {
            int lines = Lines(shell).Count;
            Patience.Until(() => Lines(shell).Count > lines + 5, "more lines");
            snapshots.Add(store.Take(shell.Pid).GetProperty("id").GetString()!);
            Assert.True(shell.IsAlive);
        }

        foreach (string snapshot in snapshots)
        {
            shell.Kill();
            int lines = Lines(shell).Count;
            Command parent = store.RestoreInto(shell, snapshot, "--files", "keep");
            Patience.Until(() => Lines(shell).Count > lines + 10, "lines of the restored shell");
            List<int> after = Lines(shell)[lines..];
            Assert.True(after[0] <= Lines(shell)[..lines].Max() + 1, $"it went on at {after[0]}");
            Assert.Equal(Enumerable.Range(after[0], after.Count), after);
            shell.Kill();
            parent.WaitForEnd();
        }
    }

    [SkippableFact]
    public void What_a_child_has_still_to_read_from_one_that_has_ended_is_there_after_a_restore()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using var shell = new CommandTarget("bash", "-c",
            "(echo hello; echo > {dir}/wrote) | (while [ ! -e {dir}/go ]; do sleep 0.01; done; cat > {dir}/read); mv {dir}/read {dir}/out; while :; do sleep 0.01; done");
        Patience.Until(() => File.Exists(shell.Directory["wrote"]) && ProcessTable.ReadChildren(shell.Pid) is { Count: 1 }, "the writer's end");
        string id = store.Take(shell.Pid).GetProperty("id").GetString()!;
        shell.Kill();
        store.RestoreInto(shell, id);
        File.WriteAllText(shell.Directory["go"], "");
        Patience.Until(() => File.Exists(shell.Directory["out"]), "the reader's end");
        Assert.Equal("hello\n", File.ReadAllText(shell.Directory["out"]));
    }

    [SkippableFact]
    public void A_socket_that_may_connect_two_children_is_refused()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using var python = new CommandTarget(Python(), "-c", """
            import socket, subprocess, time
            one, other = socket.socketpair()
            subprocess.Popen(["sleep", "600"], stdout=one)
            subprocess.Popen(["sleep", "600"], stdin=other)
            one.close()
            other.close()
            open("{dir}/ready", "w")
            time.sleep(600)
            """);
        Patience.Until(() => File.Exists(python.Directory["ready"]), "its children");
        SnapError error = store.Fails("take", SnapStore.Text(python.Pid));
        Assert.Equal("S0410", error.Id);
        Assert.Contains("may be inside the tree", error.Text, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Workers_of_python_keep_their_queues_locks_and_shared_values()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using var python = new CommandTarget(Python(), Path.Combine(RepositoryRoot.Programs, "python_tree.py"), "{dir}");
        Patience.Until(() => Steps(python).Count > 5, "its first steps");
        for (int life = 0; life < 3; life++)
        {
            store.Take(python.Pid);
            JsonElement last = store.Take(python.Pid);
            Assert.Equal(4, last.GetProperty("processes").GetInt32());
            int steps = Steps(python).Count;
            Patience.Until(() => Steps(python).Count > steps + 5, "steps after the snapshot");
            python.Kill();
            steps = Steps(python).Count;
            store.RestoreInto(python, last.GetProperty("id").GetString()!, "--files", "keep");
            Patience.Until(() => Steps(python).Count > steps + 5 || !python.IsAlive, "steps of the restored workers");
        }

        File.WriteAllText(python.Directory["stop"], "");
        Patience.Until(() => !python.IsAlive, "its end");
        Assert.DoesNotContain(Steps(python), step => step.StartsWith("wrong", StringComparison.Ordinal));
        string[] result = File.ReadAllText(python.Directory["result"]).Trim().Split(' ');
        Assert.Equal(ExpectedResult(int.Parse(result[0], System.Globalization.CultureInfo.InvariantCulture)), result[1]);
    }

    [SkippableFact]
    public void Show_lists_every_process_of_a_tree_and_its_zombies()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("children", "zombie");
        int zombie = ProcessTable.ReadChildren(target.Pid)!.Single();
        string id = store.Take(target.Pid).GetProperty("id").GetString()!;
        JsonElement shown = store.Json("show", id);
        Assert.Equal(zombie, Assert.Single(shown.GetProperty("zombies").EnumerateArray().ToArray()).GetProperty("pid").GetInt32());
        Assert.Contains($"zombie {zombie} (parent {target.Pid}): exited with 7", store.Run("show", id).Output, StringComparison.Ordinal);
        using Target tree = Target.Start("tree");
        JsonElement taken = store.Take(tree.Pid);
        Assert.Equal(5, taken.GetProperty("processes").GetInt32());
        Assert.Equal(5, store.Json("show", taken.GetProperty("id").GetString()!).GetProperty("processes").GetArrayLength());
        Assert.Empty(tree.Check());
    }

    [SkippableFact]
    public void A_watch_follows_a_tree_and_its_snapshots_are_increments()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target tree = Target.Start("tree");
        CommandResult watched = store.Run("watch", SnapStore.Text(tree.Pid), "--every", "50ms", "--count", "8");
        Assert.True(watched.ExitCode == 0, watched.ToString());
        Assert.Empty(tree.Check());
        foreach (int pid in ProcessTable.ReadChildren(tree.Pid)!.Prepend(tree.Pid))
            Assert.Empty(Fingerprint.FindHarm(pid));
        long first = store.Log()[^1].GetProperty("pagesDirty").GetInt64(), last = store.Log()[0].GetProperty("pagesDirty").GetInt64();
        Assert.True(last < first / 2, $"{last} pages dirty in the last, {first} in the first");
        tree.Kill();
        Command parent = store.RestoreInto(tree, "tree", "--files", "keep");
        Assert.Empty(tree.Check());
        Assert.Equal(["bye"], tree.Ask("exit"));
        Assert.Equal(0, parent.WaitForEnd().ExitCode);
    }

    // Each life is watched for a while, and goes on from any of its snapshots. SNAP_TREE_SEEDS=20 SNAP_TREE_LIVES=10 for a longer look; SNAP_TREE_SEED names the first.
    [SkippableFact]
    public void A_tree_that_changes_at_random_finds_nothing_wrong_after_a_restore_of_any_snapshot()
    {
        int first = Setting("SNAP_TREE_SEED", Random.Shared.Next(1, 1_000_000)), seeds = Setting("SNAP_TREE_SEEDS", 1), lives = Setting("SNAP_TREE_LIVES", 3);
        for (int seed = first; seed < first + seeds; seed++)
        {
            using SnapStore store = SnapStore.OpenOrSkip();
            var random = new Random(seed);
            using Target target = Target.Start("tree_random", SnapStore.Text(seed));
            Command? parent = null;
            for (int life = 1; life <= lives; life++)
            {
                string where = $"SNAP_TREE_SEED={seed}, life {life}";
                CommandResult watched = store.Run("watch", SnapStore.Text(target.Pid), "--every", "40ms", "--count", SnapStore.Text(random.Next(2, 8)));
                Assert.True(watched.ExitCode == 0, $"{where}: {watched}");
                IReadOnlyList<string> wrong = target.Check();
                Assert.True(wrong.Count == 0, $"{where}, watched: {string.Join("; ", wrong)}");
                JsonElement[] log = [.. store.Log()];
                string snapshot = log[random.Next(log.Length)].GetProperty("id").GetString()!;
                target.Kill();
                parent?.WaitForEnd();
                parent = store.RestoreInto(target, snapshot, "--files", "keep");
                wrong = target.Check();
                Assert.True(wrong.Count == 0, $"{where}, restored {snapshot}: {string.Join("; ", wrong)}");
            }

            target.Kill();
            parent?.WaitForEnd();
            CommandResult verified = store.Run("verify", "--read-data");
            Assert.True(verified.ExitCode == 0, $"SNAP_TREE_SEED={seed}: {verified}");
        }
    }

    private static int Setting(string name, int usual) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : usual;

    private static List<int> Lines(CommandTarget shell) => !File.Exists(shell.Directory["log"]) ? []
        : [.. File.ReadAllText(shell.Directory["log"]).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => int.Parse(line["line ".Length..], System.Globalization.CultureInfo.InvariantCulture))];

    private static List<string> Steps(CommandTarget python) => !File.Exists(python.Directory["steps"]) ? []
        : [.. File.ReadAllText(python.Directory["steps"]).Split('\n', StringSplitOptions.RemoveEmptyEntries)];

    private static string ExpectedResult(int steps)
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        for (int task = 0; task < steps * 6; task++)
            hash.AppendData(Encoding(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding(SnapStore.Text(task))))));
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        static byte[] Encoding(string text) => System.Text.Encoding.ASCII.GetBytes(text);
    }

    private static string Python()
    {
        try
        {
            CommandResult told = Command.Run("python3", ["-c", "import sys; print(sys.executable)"]);
            Skip.If(told.ExitCode != 0, "python3 does not work");
            return told.Output.Trim();
        }
        catch (Kernel.KernelException)
        {
            throw new SkipException("python3 is not installed");
        }
    }

    private sealed class CommandTarget(string program, params string[] arguments) : TargetProcess(program, arguments);
}

using System.Text.Json;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>--on-exit restore and --on-gap exec: a job that dies at night goes on by itself, and somebody is called when that can't be.</summary>
public sealed class RescueTests
{
    /// <summary>Waits for its end (a file) with a number that is nowhere but in its memory; another file has it die, as often as it looks.</summary>
    private const string Waits = """
        import os, sys, time
        nonce = os.urandom(8).hex()
        print("begun", nonce, flush=True)
        while not os.path.exists(sys.argv[1]):
            time.sleep(0.02)
            if os.path.exists(sys.argv[2]):
                os.abort()
        print("done", nonce, flush=True)
        """;

    [SkippableFact]
    public void A_command_that_dies_goes_on_from_its_last_snapshot_and_its_exit_code_is_the_last_one()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Command run = store.Start("run", "--every", "50ms", "--name", "job", "--on-exit", "restore", "--", "python3", "-c", Waits, store["end"], store["die"]);
        Patience.Until(() => store.Log().Count >= 2 || run.Child.TryWait(out _), "two snapshots");
        using (Kernel.Processes.ProcessHandle? job = Kernel.Processes.ProcessHandle.OpenOrGone(store.Log()[0].GetProperty("pid").GetInt32()))
            job!.TrySignal(Signal.SIGKILL);
        Patience.Until(() => run.OutputSoFar.Contains("; brought back from", StringComparison.Ordinal) || run.Child.TryWait(out _), "it to come back");
        File.WriteAllText(store["end"], "");
        CommandResult result = run.WaitForEnd();
        Assert.True(result.ExitCode == 0, result.ToString());
        string[] said = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        // One start, one end, and the same memory between them.
        Assert.Equal(2, said.Length);
        Assert.Equal(said[0].Replace("begun", "done", StringComparison.Ordinal), said[1]);
        Assert.Contains("was killed by signal 9; brought back from", result.Error, StringComparison.Ordinal);
        Assert.Contains("attempt 1 of 5", result.Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_command_that_dies_again_and_again_is_given_up_and_its_exit_code_told()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Command run = store.Start("run", "--every", "50ms", "--name", "job", "--on-exit", "restore", "--on-exit-limit", "2", "--", "python3", "-c", Waits, store["end"], store["die"]);
        Patience.Until(() => store.Log().Count >= 2 || run.Child.TryWait(out _), "two snapshots");
        File.WriteAllText(store["die"], "");
        CommandResult result = run.WaitForEnd();
        Assert.True(result.ExitCode == 128 + Signal.SIGABRT, result.ToString());
        Assert.Contains("attempt 2 of 2", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("attempt 3", result.Error, StringComparison.Ordinal);
        Assert.Contains("S0716", result.Error, StringComparison.Ordinal);
    }

    /// <summary>Who handles SIGTERM and ends by itself was ended on purpose all the same, whatever it exits with.</summary>
    [SkippableFact]
    public void A_command_that_was_asked_to_end_stays_ended_with_any_exit_code()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        const string handles = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(1))\nprint('ready', flush=True)\nwhile True: time.sleep(0.05)";
        using Command run = store.Start("run", "--every", "50ms", "--name", "job", "--on-exit", "restore", "--", "python3", "-c", handles);
        Patience.Until(() => (run.OutputSoFar.Contains("ready", StringComparison.Ordinal) && store.Log().Count >= 2) || run.Child.TryWait(out _), "two snapshots");
        run.Signal(Signal.SIGTERM);
        CommandResult ended = run.WaitForEnd();
        Assert.True(ended.ExitCode == 1, ended.ToString());
        Assert.DoesNotContain("; brought back from", ended.Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_command_that_is_done_or_ended_on_purpose_stays_ended()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Command run = store.Start("run", "--every", "50ms", "--name", "job", "--on-exit", "restore", "--", "python3", "-c", "import time\nwhile True: time.sleep(0.05)");
        Patience.Until(() => store.Log().Count >= 2 || run.Child.TryWait(out _), "two snapshots");
        run.Signal(Signal.SIGTERM);
        CommandResult ended = run.WaitForEnd();
        Assert.True(ended.ExitCode == 128 + Signal.SIGTERM, ended.ToString());
        Assert.DoesNotContain("; brought back from", ended.Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_watched_program_that_is_killed_comes_back_and_is_watched_on()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.IfNot(Kernel.Processes.ProcessHandle.TellsExit, "this kernel doesn't tell how a process ended (Linux 6.15)");
        using Target target = Target.Start("counter", "200");
        JsonElement begun = store.Json("watch", SnapStore.Text(target.Pid), "--every", "50ms", "--detach", "--on-exit", "restore", "--files", "keep");
        Assert.Equal(target.Pid, begun.GetProperty("pid").GetInt32());
        Patience.Until(() => store.Log().Count >= 3, "three snapshots");
        for (int round = 0; round < 2; round++)
        {
            target.Kill();
            Patience.Until(() => IsBack(target.Pid), "the target to come back");
            target.Adopt(target.Pid);
            Assert.Empty(target.Check());
            int before = store.Log().Count;
            Patience.Until(() => store.Log().Count >= before + 2, "it to be watched on");
        }

        string[] log = File.ReadAllLines(System.IO.Path.Combine(store.Path, "engine.log"));
        Assert.Equal(2, log.Count(line => line.Contains("was killed by signal 9; brought back from", StringComparison.Ordinal)));
        Assert.Equal(["bye"], target.Ask("exit"));
        Patience.Until(() => store.Json("ps").EnumerateArray().All(watch => watch.GetProperty("state").GetString() != "watched"), "the watch to end");
        Assert.Contains("exited with 0", store.Json("ps").ToString(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_command_is_run_when_the_target_can_not_be_captured_for_a_while()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("counter", "200");
        using Command watch = store.Start("watch", SnapStore.Text(target.Pid), "--every", "50ms", "--name", "job", "--on-gap", "exec", $"echo $SNAP_PID $SNAP_NAME $SNAP_ERROR > {store["gap"]}.new; mv {store["gap"]}.new {store["gap"]}");
        Patience.Until(() => store.Log().Count >= 2 || watch.Child.TryWait(out _), "two snapshots");
        Assert.False(File.Exists(store["gap"]));
        target.Signal(Signal.SIGSTOP);
        Patience.Until(() => File.Exists(store["gap"]) || watch.Child.TryWait(out _), "the command of --on-gap");
        target.Signal(Signal.SIGCONT);
        Assert.StartsWith($"{target.Pid} job S0", File.ReadAllText(store["gap"]), StringComparison.Ordinal);
        watch.Signal(Signal.SIGINT);
        watch.WaitForEnd();
        Assert.Empty(target.Check());
    }

    private static bool IsBack(int pid) => TaskFiles.OfProcess(pid).ReadStatus() is { TracerPid: 0, State: 'R' or 'S' } && TaskFiles.OfProcess(pid).ReadExecutable()?.ToString().Contains("counter", StringComparison.Ordinal) == true;
}

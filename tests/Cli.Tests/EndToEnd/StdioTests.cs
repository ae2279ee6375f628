using System.Text.Json;
using Snap.Kernel.Abi;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>Programs whose 0, 1 and 2 lead outside: run, forward, and bind anew at a restore.</summary>
public sealed class StdioTests
{
    private const string Adder = "import sys\ntotal = 0\nfor line in sys.stdin:\n    total += int(line)\n    print(f'total {total}', flush=True)\nprint('end', file=sys.stderr)\nsys.exit(total % 100)\n";

    [SkippableFact]
    public void Run_forwards_input_output_and_exit_code()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Command run = store.Start("run", "--name", "adder", "--every", "50ms", "--", "python3", "-c", Adder);
        run.Write("1\n");
        Patience.Until(() => store.Log().Count >= 2 || run.Child.TryWait(out _), "two snapshots");
        run.Write("20\n");
        run.Write("21\n");
        CommandResult result = run.WaitForEnd();
        Assert.True(result.ExitCode == 42, result.ToString());
        Assert.Equal("total 1\ntotal 21\ntotal 42\n", result.Output);
        Assert.Contains("end", result.Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Run_forwards_signals()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Command run = store.Start("run", "--", "sh", "-c", "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done");
        Patience.Until(() => run.Child.TryWait(out _) || Children(run.Child.Pid).Any(IsShell), "the shell to start");
        // The trap is set before the shell starts its first sleep.
        Patience.Until(() => Children(run.Child.Pid).Any(shell => IsShell(shell) && Children(shell).Count > 0), "the shell to sleep");
        run.Signal(Signal.SIGTERM);
        CommandResult result = run.WaitForEnd();
        Assert.Equal(7, result.ExitCode);
        Assert.Equal("ready\ncaught\n", result.Output);
    }

    [SkippableFact]
    public void Run_in_a_pipeline_works_and_its_program_goes_on_with_the_restorers_own_streams()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Command run = store.Start("run", "--name", "adder", "--every", "50ms", "--", "python3", "-c", Adder);
        run.Write("5\n");
        Patience.Until(() => run.OutputSoFar.Contains("total 5", StringComparison.Ordinal) || run.Child.TryWait(out _), "its first answer");
        int taken = store.Log().Count;
        Patience.Until(() => store.Log().Count >= taken + 3 || run.Child.TryWait(out _), "three snapshots");
        JsonElement newest = store.Log()[0];
        int pid = newest.GetProperty("pid").GetInt32();
        using (Kernel.Processes.ProcessHandle program = Kernel.Processes.ProcessHandle.OpenOrGone(pid)!)
            program.TrySignal(Signal.SIGKILL);
        Assert.Equal(137, run.WaitForEnd().ExitCode);

        using Command restored = store.Start("restore", newest.GetProperty("id").GetString()!, "--wait");
        restored.Write("6\n");
        restored.Write("7\n");
        CommandResult result = restored.WaitForEnd();
        Assert.True(result.ExitCode == 18, result.ToString());
        Assert.Contains("total 11\ntotal 18\n", result.Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_program_that_cannot_be_started_is_an_error_of_the_command_line()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        SnapError error = store.Fails("run", "--", "/nonexistent/program");
        Assert.Contains("/nonexistent/program", error.Text, StringComparison.Ordinal);
    }

    private static bool IsShell(int pid) => File.Exists($"/proc/{pid}/comm") && File.ReadAllText($"/proc/{pid}/comm").Trim() == "sh";

    private static List<int> Children(int pid)
    {
        try
        {
            return [.. File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
        }
        catch (IOException)
        {
            return [];
        }
    }
}

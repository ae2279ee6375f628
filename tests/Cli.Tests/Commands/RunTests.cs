using System.Text.Json;
using Snap.Kernel.Abi;
using Snap.Testing;

namespace Snap.Cli.Tests.Commands;

/// <summary>snap run: stdio, signals and exit code are the program's own.</summary>
public sealed class RunTests
{
    [SkippableFact]
    public void Standard_streams_and_exit_code_are_passed_through()
    {
        using var store = new TemporaryDirectory();
        using Command run = SnapBinary.Start("run", "--every", "10s", "--store", store["s"], "--", "sh", "-c", "read line; echo \"got $line\"; echo oops >&2; exit 7");
        run.Write("hello\n");
        CommandResult ended = run.WaitForEnd();
        Assert.Equal(7, ended.ExitCode);
        Assert.Equal("got hello\n", ended.Output);
        Assert.StartsWith("oops\n", ended.Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_signal_reaches_the_program()
    {
        using var store = new TemporaryDirectory();
        using Command run = SnapBinary.Start("run", "--store", store["s"], "--", "sh", "-c", $"ulimit -t 60; trap 'exit 5' TERM; : >{store["ready"]}; while :; do :; done");
        Patience.Until(() => File.Exists(store["ready"]), "the program to start");
        run.Signal(Signal.SIGTERM);
        Assert.Equal(5, run.WaitForEnd().ExitCode);
    }

    [SkippableFact]
    public void A_program_killed_by_a_signal_gives_128_and_the_signal()
    {
        using var store = new TemporaryDirectory();
        Assert.Equal(128 + 9, SnapBinary.Run("run", "--store", store["s"], "--", "sh", "-c", "kill -9 $$").ExitCode);
    }

    [SkippableFact]
    public void A_program_that_does_not_exist_is_not_found()
    {
        using var store = new TemporaryDirectory();
        CommandResult ended = SnapBinary.Run("run", "--store", store["s"], "--", "no-such-program-here");
        Assert.Equal(3, ended.ExitCode);
        Assert.Contains("no-such-program-here", ended.Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void With_json_the_last_line_of_stdout_is_the_result()
    {
        SnapBinary.SkipUnlessCanRestore();
        using var store = new TemporaryDirectory();
        string script = $"import time,os\nprint('mine', flush=True)\nwhile not os.path.exists('{store["stop"]}'): time.sleep(0.01)\nraise SystemExit(3)";
        Skip.IfNot(CanRun("python3"), "python3 is not installed");
        using Command run = SnapBinary.Start("run", "--every", "50ms", "--name", "job", "--json", "--store", store["s"], "--", "python3", "-c", script);
        Patience.Until(() => Directory.Exists(store["s"]) && SnapBinary.Run("log", "--json", "--store", store["s"]).Output.Contains("\"seq\":2", StringComparison.Ordinal), "two snapshots");
        File.WriteAllText(store["stop"], "");
        CommandResult ended = run.WaitForEnd();
        Assert.True(ended.ExitCode == 3, ended.ToString());
        string[] lines = ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("mine", lines[0]);
        JsonElement json = JsonDocument.Parse(lines[^1]).RootElement;
        Assert.Equal("job", json.GetProperty("name").GetString());
        Assert.Equal(3, json.GetProperty("exitCode").GetInt32());
        Assert.True(json.GetProperty("snapshots").GetInt64() >= 2);
    }

    private static bool CanRun(string program)
    {
        try
        {
            return Command.Run(program, ["--version"]).ExitCode == 0;
        }
        catch (Snap.Kernel.KernelException)
        {
            return false;
        }
    }
}

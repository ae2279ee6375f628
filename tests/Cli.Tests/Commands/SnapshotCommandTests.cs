using System.Globalization;
using System.Text.Json;
using Snap.Testing;

namespace Snap.Cli.Tests.Commands;

/// <summary>take, watch, log, show and restore of the published binary on a real program.</summary>
public sealed class SnapshotCommandTests
{
    private static readonly string[] _contract =
    [
        "schema", "id", "seq", "name", "pid", "processes", "parent", "time", "host", "bootId", "pauseMicroseconds", "tracker", "full", "pagesDirty",
        "pagesStored", "bytesStored", "missed",
    ];

    [SkippableFact]
    public void Take_prints_the_documented_object_and_log_repeats_it()
    {
        SnapBinary.SkipUnlessCanRestore();
        using var store = new TemporaryDirectory();
        using Target target = Target.Start("counter");
        string pid = target.Pid.ToString(CultureInfo.InvariantCulture);
        JsonElement first = SnapBinary.Json("take", pid, "--store", store["s"], "--name", "job", "--json");
        JsonElement second = SnapBinary.Json("take", "job", "--store", store["s"], "--json");

        Assert.Equal(_contract, first.EnumerateObject().Select(member => member.Name).Take(_contract.Length));
        Assert.Equal(target.Pid, first.GetProperty("pid").GetInt32());
        Assert.True(first.GetProperty("full").GetBoolean());
        Assert.Equal(JsonValueKind.Null, first.GetProperty("parent").ValueKind);
        Assert.Equal(first.GetProperty("id").GetString(), second.GetProperty("parent").GetString());
        Assert.True(first.GetProperty("pagesStored").GetInt64() > 0);

        JsonElement[] log = [.. SnapBinary.Json("log", "job", "--store", store["s"], "--json").EnumerateArray()];
        Assert.Equal([second.GetRawText(), first.GetRawText()], log.Select(element => element.GetRawText()));
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void Show_lists_threads_mappings_and_descriptors()
    {
        SnapBinary.SkipUnlessCanRestore();
        using var store = new TemporaryDirectory();
        using Target target = Target.Start("counter");
        SnapBinary.Json("take", target.Pid.ToString(CultureInfo.InvariantCulture), "--store", store["s"], "--name", "job", "--json");
        JsonElement shown = SnapBinary.Json("show", "job", "--store", store["s"], "--json");
        JsonElement process = shown.GetProperty("processes")[0];
        Assert.Equal(target.Pid, process.GetProperty("threads")[0].GetProperty("tid").GetInt32());
        Assert.EndsWith("/counter", process.GetProperty("executable").GetString(), StringComparison.Ordinal);
        JsonElement[] descriptors = [.. process.GetProperty("descriptors").EnumerateArray()];
        Assert.Equal("/dev/null", descriptors[0].GetProperty("target").GetString());
        JsonElement[] mappings = [.. process.GetProperty("mappings").EnumerateArray()];
        Assert.Contains(mappings, mapping => mapping.GetProperty("kind").GetString() == "vdso");
        Assert.True(mappings.Sum(mapping => mapping.GetProperty("pages").GetInt64()) > 0);

        CommandResult text = SnapBinary.Run("show", "job", "--store", store["s"]);
        Assert.Equal(0, text.ExitCode);
        Assert.Contains("[vdso]", text.Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Restore_brings_an_earlier_snapshot_back_under_its_pid()
    {
        SnapBinary.SkipUnlessCanRestore();
        using var store = new TemporaryDirectory();
        using Target target = Target.Start("counter", "1000", "{dir}/log");
        string pid = target.Pid.ToString(CultureInfo.InvariantCulture);
        JsonElement first = SnapBinary.Json("take", pid, "--store", store["s"], "--json");
        string stepThen = target.Ask("check")[0];
        SnapBinary.Json("take", pid, "--store", store["s"], "--json");
        target.Kill();

        string id = first.GetProperty("id").GetString()!;
        CommandResult changed = SnapBinary.Run("restore", id, "--store", store["s"]);
        Assert.True(changed.ExitCode == 9 && changed.Error.Contains("/log", StringComparison.Ordinal), $"the log that has grown is named: {changed}");

        CommandResult restored = SnapBinary.Run("restore", id[..12], "--files", "keep", "--store", store["s"]);
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Equal(pid, restored.Output.Trim());
        target.Adopt(target.Pid);
        IReadOnlyList<string> answers = target.Ask("check");
        Assert.StartsWith("ok ", answers[^1], StringComparison.Ordinal);
        Assert.True(StepOf(answers[0]) > 0 && StepOf(stepThen) > 0);
    }

    [SkippableFact]
    public void Restore_with_wait_returns_the_programs_exit_code()
    {
        SnapBinary.SkipUnlessCanRestore();
        using var store = new TemporaryDirectory();
        using Target target = Target.Start("counter");
        SnapBinary.Json("take", target.Pid.ToString(CultureInfo.InvariantCulture), "--store", store["s"], "--name", "job", "--json");
        target.Kill();
        using Command restore = SnapBinary.Start("restore", "job", "--wait", "--json", "--store", store["s"]);
        int pid = target.Pid;
        Patience.Until(() => Directory.Exists($"/proc/{pid}/task"), "the process to be back");
        target.Adopt(pid);
        Assert.Empty(target.Check());
        target.Send("exit");
        CommandResult ended = restore.WaitForEnd();
        Assert.True(ended.ExitCode == 0, ended.ToString());
        JsonElement json = JsonDocument.Parse(ended.Output).RootElement;
        Assert.Equal(pid, json.GetProperty("pid").GetInt32());
        Assert.Equal(0, json.GetProperty("exitCode").GetInt32());
    }

    [SkippableFact]
    public void Watch_prints_one_array_and_leaves_the_target_alone()
    {
        SnapBinary.SkipUnlessCanRestore();
        using var store = new TemporaryDirectory();
        using Target target = Target.Start("counter");
        JsonElement[] taken = [.. SnapBinary.Json("watch", target.Pid.ToString(CultureInfo.InvariantCulture), "--every", "50ms", "--count", "4", "--json", "--store", store["s"]).EnumerateArray()];
        Assert.Equal(4, taken.Length);
        Assert.Equal([true, false, false, false], taken.Select(one => one.GetProperty("full").GetBoolean()));
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void Watch_ends_in_good_order_on_ctrl_c()
    {
        SnapBinary.SkipUnlessCanRestore();
        using var store = new TemporaryDirectory();
        using Target target = Target.Start("counter");
        using Command watch = SnapBinary.Start("watch", target.Pid.ToString(CultureInfo.InvariantCulture), "--every", "50ms", "--store", store["s"]);
        Patience.Until(() => Directory.Exists(store["s"]) && SnapBinary.Run("log", "--json", "--store", store["s"]).Output.Contains("\"seq\":2", StringComparison.Ordinal), "two snapshots");
        watch.Signal(Snap.Kernel.Abi.Signal.SIGINT);
        CommandResult ended = watch.WaitForEnd();
        Assert.True(ended.ExitCode == 0, ended.ToString());
        Assert.Contains("stopped:", ended.Output, StringComparison.Ordinal);
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void A_watch_whose_target_ends_says_so()
    {
        SnapBinary.SkipUnlessCanRestore();
        using var store = new TemporaryDirectory();
        using Target target = Target.Start("counter");
        using Command watch = SnapBinary.Start("watch", target.Pid.ToString(CultureInfo.InvariantCulture), "--every", "50ms", "--store", store["s"]);
        Patience.Until(() => Directory.Exists(store["s"]) && SnapBinary.Run("log", "--json", "--store", store["s"]).Output.Contains("\"seq\":2", StringComparison.Ordinal), "two snapshots");
        target.Kill();
        CommandResult ended = watch.WaitForEnd();
        Assert.True(ended.ExitCode == 0, ended.ToString());
        Assert.Contains("the target ended", ended.Output, StringComparison.Ordinal);
    }

    private static long StepOf(string answer) => long.Parse(answer.Split(' ')[1], CultureInfo.InvariantCulture);
}

using System.Text.Json;
using Snap.Kernel.Abi;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>watch: what it does while nothing can be captured or stored, and how it ends.</summary>
public sealed class WatchTests
{
    [SkippableFact]
    public void A_watch_ends_after_its_count_and_its_snapshots_form_a_chain()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "16", "500");
        CommandResult result = store.Run("watch", SnapStore.Text(target.Pid), "--every", "50ms", "--count", "6", "--json", "--name", "writer");
        Assert.True(result.ExitCode == 0, result.ToString());
        JsonElement[] printed = [.. JsonDocument.Parse(result.Output).RootElement.EnumerateArray()];
        JsonElement[] listed = [.. store.Log().Reverse()];
        Assert.Equal(6, printed.Length);
        Assert.Equal(listed.Select(Id), printed.Select(Id));
        Assert.True(printed[0].GetProperty("full").GetBoolean());
        Assert.Equal(JsonValueKind.Null, printed[0].GetProperty("parent").ValueKind);
        for (int i = 1; i < printed.Length; i++)
        {
            Assert.Equal(Id(printed[i - 1]), printed[i].GetProperty("parent").GetString());
            Assert.Equal("writer", printed[i].GetProperty("name").GetString());
            Assert.True(printed[i].GetProperty("pagesStored").GetInt64() < printed[0].GetProperty("pagesStored").GetInt64() / 2);
        }

        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void Any_snapshot_of_a_chain_restores_to_its_own_moment()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "16", "4000", "2");
        CommandResult result = store.Run("watch", SnapStore.Text(target.Pid), "--every", "30ms", "--count", "12");
        Assert.True(result.ExitCode == 0, result.ToString());
        target.Kill();
        foreach (JsonElement snapshot in store.Log().Reverse().Where((_, i) => i % 3 == 0).ToArray())
        {
            Command parent = store.RestoreInto(target, Id(snapshot));
            Assert.Empty(target.Check());
            target.Kill();
            parent.WaitForEnd();
        }
    }

    [SkippableFact]
    public void What_cannot_be_captured_for_now_is_tried_again()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("vfork_child");
        using Command watch = store.Start("watch", SnapStore.Text(target.Pid), "--every", "100ms");
        Patience.Until(() => watch.OutputSoFar.Contains("not captured", StringComparison.OrdinalIgnoreCase) || watch.Child.TryWait(out _), "the watch to say that it can't");
        Assert.Empty(target.Check());
        Assert.Equal(["release"], target.Ask("release"));
        Patience.Until(() => store.Log().Count >= 2 || watch.Child.TryWait(out _), "snapshots after the release");
        watch.Signal(Signal.SIGINT);
        CommandResult result = watch.WaitForEnd();
        Assert.Contains("not captured", result.Output + result.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void A_watch_on_a_full_disk_says_so_waits_and_goes_on_when_there_is_room()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        Skip.IfNot(Environment.IsPrivilegedProcess, "needs root, to mount a small file system");
        using var small = new SmallFileSystem(48);
        using Target target = Target.Start("busy_writer", "16", "2000");
        using (Command watch = store.Start("watch", SnapStore.Text(target.Pid), "--every", "50ms", "--store", small["store"]))
        {
            int Count() => JsonDocument.Parse(store.Run("log", "--json", "--store", small["store"]).Output).RootElement is { ValueKind: JsonValueKind.Array } list ? list.GetArrayLength() : 0;
            Patience.Until(() => Count() >= 2 || watch.Child.TryWait(out _), "two snapshots");
            small.FillUp("filler");
            Patience.Until(() => watch.OutputSoFar.Contains("no room", StringComparison.Ordinal) || watch.Child.TryWait(out _), "the watch to say that there is no room");
            Assert.False(watch.Child.TryWait(out _), "the watch ended");
            int full = Count();
            File.Delete(small["filler"]);
            Patience.Until(() => Count() > full || watch.Child.TryWait(out _), "a snapshot after there was room");
            watch.Signal(Signal.SIGINT);
            watch.WaitForEnd();
            store.Run("engine", "stop", "--store", small["store"]);
        }

        Assert.Empty(target.Check());
        target.Kill();
        Command parent = store.RestoreInto(target, "latest", "--store", small["store"]);
        Assert.Empty(target.Check());
        target.Kill();
        parent.WaitForEnd();
    }

    [SkippableFact]
    public void A_watch_ends_with_its_target()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("counter", "500");
        using Command watch = store.Start("watch", SnapStore.Text(target.Pid), "--every", "50ms");
        Patience.Until(() => store.Log().Count >= 2 || watch.Child.TryWait(out _), "two snapshots");
        Assert.Equal(["bye"], target.Ask("exit"));
        Assert.Equal(0, target.WaitForEnd()!.Value.ShellCode);
        watch.WaitForEnd();
        Assert.True(store.Log().Count >= 2);
    }

    [SkippableFact]
    public void The_demo_shows_what_it_promises_and_leaves_nothing()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        CommandResult demo = store.Run("demo");
        Assert.True(demo.ExitCode == 0, demo.ToString());
        Assert.Contains("SIGKILL", demo.Output, StringComparison.Ordinal);
    }

    private static string Id(JsonElement snapshot) => snapshot.GetProperty("id").GetString()!;
}

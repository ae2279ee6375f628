using System.Text.Json;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>Real programs, one per kernel feature: each is snapshotted, killed, restored, and then checks itself from inside.</summary>
public sealed class ProgramTests
{
    /// <summary>Programs, their arguments, and options of restore that they need.</summary>
    public static TheoryData<string, string> Programs() => new()
    {
        { "altstack", "" },
        { "altstack", "inside" },
        { "avx_state", "" },
        { "avx_threads", "8" },
        { "blocking_calls", "" },
        { "brk_stack", "" },
        { "busy_writer", "16 2000 2" },
        { "children", "live" },
        { "children", "zombie" },
        { "children", "churn" },
        { "copy_on_write", "" },
        { "counter", "500" },
        { "descriptors", "{dir} files" },
        { "descriptors", "{dir} shared" },
        { "descriptors", "{dir} pipes" },
        { "descriptors", "{dir} eventfd" },
        { "descriptors", "{dir} epoll" },
        { "descriptors", "{dir} timerfd" },
        { "descriptors", "{dir} signalfd" },
        { "descriptors", "{dir} devices" },
        { "descriptors", "{dir} directory" },
        { "descriptors", "{dir} limits" },
        { "descriptors", "{dir} closed" },
        { "direct_io", "{dir}" },
        { "file_mappings", "{dir}" },
        { "locks", "{dir} flock" },
        { "locks", "{dir} posix" },
        { "locks", "{dir} ofd" },
        { "mapping_advice", "" },
        { "memory_fuzz", "{dir} -fork" },
        { "memory_fuzz", "{dir} -fork +shared" },
        { "process_attributes", "{dir}" },
        { "pthreads", "" },
        { "rseq", "" },
        { "shared_memory", "" },
        { "signals", "" },
        { "sleeper", "3" },
        { "thread_churn", "" },
        { "timers", "" },
        { "tree", "" },
        { "zombies", "" },
    };

    [SkippableTheory]
    [MemberData(nameof(Programs))]
    public void A_program_finds_nothing_wrong_with_itself_through_three_generations(string name, string arguments)
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = StartOrSkip(name, arguments);
        Assert.Empty(target.Check());
        Command? parent = null;
        for (int generation = 1; generation <= 3; generation++)
        {
            JsonElement first = store.Take(target.Pid);
            Assert.Empty(target.Check());
            JsonElement second = store.Take(target.Pid);
            Assert.Equal(first.GetProperty("id").GetString(), second.GetProperty("parent").GetString());
            Assert.Empty(Fingerprint.FindHarm(target.Pid));
            Assert.Empty(target.Check()); // changes memory, so that going back to the snapshot means something
            target.Kill();
            parent?.WaitForEnd();
            parent = store.RestoreInto(target, (generation == 2 ? first : second).GetProperty("id").GetString()!, "--files", "keep");
            Assert.Empty(target.Check());
        }

        if (arguments == "inside")
            Assert.Equal("ok returned", target.Ask("return")[^1]);
        else
            Assert.Equal(["bye"], target.Ask("exit"));
        Assert.Equal(0, parent!.WaitForEnd().ExitCode);
    }

    // From the second time on the kernel tells only that the call was interrupted, not which one it is.
    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Calls_that_were_interrupted_many_times_are_made_again(bool byOneWatch)
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("blocking_calls");
        Assert.Empty(target.Check());
        if (byOneWatch)
            store.Run("watch", SnapStore.Text(target.Pid), "--every", "20ms", "--count", "5");
        else
            Enumerable.Range(0, 3).ToList().ForEach(_ => store.Take(target.Pid));
        target.Kill();
        Command parent = store.RestoreInto(target, "blocking_calls", "--files", "keep");
        Assert.Empty(target.Check());
        Assert.Equal(["bye"], target.Ask("exit"));
        Assert.Equal(0, parent.WaitForEnd().ExitCode);
    }

    [SkippableFact]
    public void A_restored_counter_goes_on_from_exactly_where_the_snapshot_was()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("counter", "200");
        (ulong Step, string Hash) before = At(target);
        JsonElement snapshot = store.Take(target.Pid);
        (ulong Step, string Hash) after = At(target);
        Patience.Until(() => At(target).Step > after.Step + 50, "fifty more steps");
        target.Kill();

        Command parent = store.RestoreInto(target, snapshot.GetProperty("id").GetString()!);
        Assert.InRange(At(target).Step, before.Step, after.Step + 40);
        // It runs without pauses, and is somewhere behind 3000 when it hears where to stop: the restored one is to stop there too.
        using Target undisturbed = Target.Start("counter", "0");
        string expected = undisturbed.Ask("run 3000")[^1];
        IReadOnlyList<string> end = target.Ask($"run {expected.Split(' ')[1]}");
        Assert.Equal(0, parent.WaitForEnd().ExitCode);
        Assert.Equal(expected, end[^1]);
    }

    [SkippableFact]
    public void After_takes_and_a_watch_the_target_is_as_it_was_and_exits_normally()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("sleeper", "3");
        Fingerprint before = Fingerprint.OfIdle(target);
        store.Take(target.Pid);
        Assert.Empty(Fingerprint.Differences(before, Fingerprint.OfIdle(target)));
        CommandResult watched = store.Run("watch", SnapStore.Text(target.Pid), "--every", "50ms", "--count", "5");
        Assert.True(watched.ExitCode == 0, watched.ToString());
        Assert.Empty(Fingerprint.Differences(before, Fingerprint.OfIdle(target)));
        store.Take(target.Pid);
        Assert.Empty(Fingerprint.Differences(before, Fingerprint.OfIdle(target)));
        Assert.Equal(7, store.Log().Count);
        Assert.Equal(["bye"], target.Ask("exit"));
        Assert.Equal(0, target.WaitForEnd()!.Value.ShellCode);
    }

    [SkippableFact]
    public void A_watch_that_is_killed_leaves_the_target_as_it_was_and_its_snapshots_restorable()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("sleeper", "3");
        Fingerprint before = Fingerprint.OfIdle(target);
        using (Command watch = store.Start("watch", SnapStore.Text(target.Pid), "--every", "20ms"))
        {
            Patience.Until(() => store.Log().Count >= 3, "three snapshots");
            watch.Signal(Kernel.Abi.Signal.SIGKILL);
            watch.WaitForEnd();
        }

        Patience.Until(() => Fingerprint.Differences(before, Fingerprint.OfIdle(target)).Count == 0, "the target to be as it was");
        Assert.Empty(target.Check());
        target.Kill();
        foreach (JsonElement snapshot in store.Log().Take(3).ToArray())
        {
            Command parent = store.RestoreInto(target, snapshot.GetProperty("id").GetString()!);
            Assert.Empty(target.Check());
            target.Kill();
            parent.WaitForEnd();
        }
    }

    [SkippableFact]
    public void Nothing_of_ours_is_left_in_a_restored_process()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("sleeper", "3");
        Fingerprint before = Fingerprint.OfIdle(target);
        JsonElement snapshot = store.Take(target.Pid);
        target.Kill();
        Command parent = store.RestoreInto(target, snapshot.GetProperty("id").GetString()!);
        Assert.Empty(target.Check());
        Assert.Empty(Fingerprint.Differences(before, Fingerprint.OfIdle(target)));
        target.Kill();
        Assert.Equal(137, parent.WaitForEnd().ExitCode);
    }

    private static (ulong Step, string Hash) At(Target target)
    {
        IReadOnlyList<string> answers = target.Ask("check");
        Assert.Equal("ok counter", answers[^1]);
        string[] words = answers[0].Split(' ');
        return (ulong.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture), words[2]);
    }

    private static Target StartOrSkip(string name, string arguments)
    {
        try
        {
            return Target.Start(name, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        }
        catch (TargetUnavailableException unavailable)
        {
            Skip.If(true, unavailable.Message);
            throw;
        }
    }
}

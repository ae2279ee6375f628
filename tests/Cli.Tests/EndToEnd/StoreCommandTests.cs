using System.Text.Json;
using Snap.Kernel.Abi;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>gc, rm, tag, verify, repair and stats on snapshots of a real program, which are then restored.</summary>
public sealed class StoreCommandTests
{
    // Goal: whatever the store's commands delete, what stays is a program that goes on. Method: a program that checks itself is watched;
    // snapshots are tagged, removed and collected; the rest is restored.
    [SkippableFact]
    public void What_stays_after_rm_and_gc_restores()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "16", "4000", "2");
        CommandResult watch = store.Run("watch", SnapStore.Text(target.Pid), "--every", "30ms", "--count", "12", "--name", "writer", "--durability", "relaxed");
        Assert.True(watch.ExitCode == 0, watch.ToString());
        target.Kill();
        string[] ids = [.. store.Log().Reverse().Select(Id)];
        Assert.Equal("writer", store.Json("tag", ids[2], "good").GetProperty("snapshot").GetProperty("name").GetString());
        Assert.Equal("S0516", store.Fails("rm", "good").Id);
        Assert.Single(store.Json("rm", ids[4], "--dry-run").GetProperty("removed").EnumerateArray());
        Assert.Equal(12, store.Log().Count);
        Assert.Equal([ids[4], ids[5]], store.Json("rm", ids[4], ids[5]).GetProperty("removed").EnumerateArray().Select(Id));

        JsonElement plan = store.Json("gc", "--keep-last", "2", "--dry-run");
        Assert.Equal((3, 7), (plan.GetProperty("kept").GetInt32(), plan.GetProperty("deleted").GetInt32()));
        Assert.Contains("tag good", plan.GetProperty("decisions").EnumerateArray().Single(decision => Id(decision) == ids[2]).GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(10, store.Log().Count);
        JsonElement report = store.Json("gc", "writer", "--keep-last", "2");
        Assert.True(report.GetProperty("bytesAfter").GetInt64() <= report.GetProperty("bytesBefore").GetInt64());
        Assert.Equal([ids[11], ids[10], ids[2]], store.Log().Select(Id));
        Assert.True(store.Json("verify", "--read-data").GetProperty("whole").GetBoolean());

        foreach (string reference in new[] { "good", ids[10], "writer" })
        {
            Command parent = store.RestoreInto(target, reference);
            Assert.Empty(target.Check());
            target.Kill();
            parent.WaitForEnd();
        }
        Assert.True(store.Json("tag", "good", "--delete").GetProperty("deleted").GetBoolean());
        Assert.Equal("S0510", store.Fails("tag", "good", "--delete").Id);
        Assert.Equal("S0515", store.Fails("gc", "--keep-tag").Id);
        Assert.Equal(3, store.Json("gc", "--keep-tag", "--delete-all").GetProperty("deleted").GetInt32());
        Assert.Empty(store.Log());
    }

    [SkippableFact]
    public void A_watch_with_keep_deletes_as_it_goes_and_says_how_many_stay()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "16", "2000");
        CommandResult watch = store.Run("watch", SnapStore.Text(target.Pid), "--every", "20ms", "--count", "40", "--name", "writer", "--keep", "last=5");
        Assert.True(watch.ExitCode == 0, watch.ToString());
        Assert.Equal(5, store.Log().Count);
        Assert.Equal(36, store.Log()[^1].GetProperty("seq").GetInt32());
        // The rule is the name's from now on.
        Assert.True(store.Run("watch", SnapStore.Text(target.Pid), "--every", "20ms", "--count", "3", "--name", "writer").ExitCode == 0);
        Assert.Equal(8, store.Log().Count);
        Assert.Equal(3, store.Json("gc").GetProperty("deleted").GetInt32());
        Assert.Equal("S0517", store.Fails("watch", SnapStore.Text(target.Pid), "--every", "1s", "--keep", "lots=5").Id);
        Assert.Empty(target.Check());
        target.Kill();
        Command parent = store.RestoreInto(target, "writer~3");
        Assert.Empty(target.Check());
        target.Kill();
        parent.WaitForEnd();
    }

    [SkippableFact]
    public void Damage_is_named_with_process_and_address_and_repair_saves_the_rest()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "16", "1000");
        store.Take(target.Pid);
        store.Run("take", SnapStore.Text(target.Pid), "--name", "other");
        Assert.True(store.Json("verify", "--read-data").GetProperty("whole").GetBoolean());
        // Somewhere among the pages of the first snapshot.
        string segment = Path.Combine(store.Path, "segments", "00000001.1");
        byte[] bytes = File.ReadAllBytes(segment);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(segment, bytes);

        CommandResult damaged = store.Run("verify", "--read-data", "--json");
        Assert.Equal(6, damaged.ExitCode);
        JsonElement report = JsonDocument.Parse(damaged.Output).RootElement;
        Assert.False(report.GetProperty("whole").GetBoolean());
        int hurt = report.GetProperty("damaged").GetArrayLength();
        Assert.True(hurt > 0, damaged.Output);
        Assert.Contains(report.GetProperty("findings").EnumerateArray(), finding => finding.GetProperty("process").GetString()?.StartsWith($"pid {target.Pid} at ", StringComparison.Ordinal) ?? false);
        Assert.Contains("damaged", store.Run("verify", "--read-data").Output, StringComparison.Ordinal);

        Assert.Equal(2, store.Log().Count);
        Assert.False(store.Json("repair", "--dry-run").GetProperty("whole").GetBoolean());
        JsonElement repaired = store.Json("repair");
        Assert.True(repaired.GetProperty("whole").GetBoolean());
        Assert.Equal(hurt, repaired.GetProperty("deleted").GetArrayLength() + repaired.GetProperty("healed").GetArrayLength());
        Assert.True(store.Json("verify", "--read-data").GetProperty("whole").GetBoolean());
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void Stats_add_up_and_the_texts_are_for_people()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("busy_writer", "16", "2000");
        Assert.True(store.Run("watch", SnapStore.Text(target.Pid), "--every", "30ms", "--count", "5", "--name", "writer").ExitCode == 0);
        JsonElement stats = store.Json("stats");
        long Member(string name) => stats.GetProperty(name).GetInt64();
        long Bytes(string name) => stats.GetProperty(name).GetProperty("bytes").GetInt64();
        Assert.Equal(5, Member("snapshots"));
        Assert.Equal(Member("storedBytes"), Bytes("delta") + Bytes("zstd") + Bytes("raw") + Member("manifestBytes") + Member("imageBytes") + Member("otherBytes"));
        Assert.True(Member("logicalBytes") > Member("uniqueBytes") && Member("uniqueBytes") > Member("storedBytes"), stats.ToString());
        Assert.Contains("writer", store.Run("stats").Output, StringComparison.Ordinal);
        Assert.Contains("goes", store.Run("gc", "--keep-last", "1", "--dry-run").Output, StringComparison.Ordinal);
        Assert.Contains("4 snapshots deleted, 1 kept", store.Run("gc", "--keep-last", "1").Output, StringComparison.Ordinal);
        Assert.Contains("no damage", store.Run("verify").Output, StringComparison.Ordinal);
        Assert.Contains("no damage", store.Run("repair").Output, StringComparison.Ordinal);
        Assert.Contains("good is", store.Run("tag", "writer", "good").Output, StringComparison.Ordinal);
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void Commands_of_the_store_make_none()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        foreach (string[] command in new string[][] { ["gc"], ["rm", "latest"], ["tag", "latest", "good"], ["verify"], ["repair"], ["stats"] })
            Assert.Equal("S0502", store.Fails(command).Id);
        Assert.False(Directory.Exists(store.Path));
    }

    [SkippableFact]
    public void A_second_writer_is_told_who_writes()
    {
        using SnapStore store = SnapStore.OpenOrSkip(withEngine: false);
        using Target target = Target.Start("counter", "500");
        using Command watch = store.Start("watch", SnapStore.Text(target.Pid), "--every", "50ms");
        Patience.Until(() => store.Log().Count >= 2 || watch.Child.TryWait(out _), "two snapshots");
        SnapError busy = store.Fails("gc");
        Assert.Equal("S0501", busy.Id);
        Assert.Contains("watch", busy.What, StringComparison.Ordinal);
        watch.Signal(Signal.SIGINT);
        watch.WaitForEnd();
        Assert.Empty(target.Check());
    }

    private static string Id(JsonElement snapshot) => snapshot.GetProperty("id").GetString()!;
}

using System.Runtime.InteropServices;
using System.Text.Json;
using Snap.Image;
using Snap.Store;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>Memory that is to be in no snapshot is in none, and a program restored without it finds it empty and all else as it was.</summary>
public sealed class ExcludeTests
{
    // Seeds of secret_memory.c: a range of addresses, private pages of a file, a memfd.
    private static readonly ulong[] _secrets = [1_000_001, 2_000_001, 3_000_001];

    // Goal: no byte of what is excluded reaches the store, in full snapshots and increments, of one chain that has it before and after. Method: the
    // program's secrets are looked for in every page of each snapshot.
    [SkippableFact]
    public void Excluded_memory_is_in_no_page_of_the_snapshot_and_empty_after_a_restore()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("secret_memory", "{dir}");
        Assert.Empty(target.Check());
        string range = target.Ask("where")[^1]["where ".Length..];
        string[] exclude = ["--exclude", range, "--exclude", "*/secrets", "--exclude", "keys"];
        string text = SnapStore.Text(target.Pid);

        JsonElement without = store.Json(["take", text, "--name", "first", .. exclude]);
        Assert.Contains(without.GetProperty("notices").EnumerateArray(), notice => notice.GetString()!.Contains("--exclude left out 32 KiB and 1 objects", StringComparison.Ordinal));
        JsonElement with = store.Json("take", text);
        JsonElement again = store.Json(["take", text, .. exclude]);
        JsonElement watched = store.Json("take", text);
        Assert.Equal([false, true, false, true], new[] { without, with, again, watched }.Select(snapshot => HoldsAnySecret(store, Id(snapshot))));
        Assert.Empty(target.Check());
        target.Kill();

        foreach ((JsonElement snapshot, bool isWhole) in new[] { (without, false), (again, false), (watched, true) })
        {
            Command parent = store.RestoreInto(target, Id(snapshot), "--files", "keep");
            Assert.Equal("ok secret_memory", target.Ask(isWhole ? "check" : "empty")[^1]);
            target.Kill();
            parent.WaitForEnd();
        }
    }

    [SkippableFact]
    public void A_pattern_that_names_nothing_is_told_and_one_that_is_none_is_refused()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("counter", "200");
        JsonElement taken = store.Json("take", SnapStore.Text(target.Pid), "--exclude", "no such memory");
        Assert.Contains(taken.GetProperty("notices").EnumerateArray(), notice => notice.GetString() == "--exclude no such memory names nothing that is mapped");
        CommandResult refused = store.Run("take", SnapStore.Text(target.Pid), "--exclude", "1001-2001");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("--exclude takes a name", refused.Error, StringComparison.Ordinal);
    }

    private static string Id(JsonElement snapshot) => snapshot.GetProperty("id").GetString()!;

    private static bool HoldsAnySecret(SnapStore store, string id)
    {
        byte[][] wanted = [.. _secrets.Select(seed => MemoryMarshal.AsBytes([Mix(seed), Mix(seed + 1), Mix(seed + 2), Mix(seed + 3)]).ToArray())];
        using StoreReader reader = StoreReader.Open(store.Path);
        using SnapshotContent content = reader.OpenSnapshot(reader.Resolve(id, DateTimeOffset.UtcNow).Id);
        byte[] page = new byte[PageRange.PageSize];
        int found = 0;
        foreach (SpaceId space in content.Spaces)
        {
            foreach (PageRun run in content.Runs(space))
            {
                for (ulong at = run.Range.First; at < run.Range.End; at++)
                {
                    content.ReadPages(space, at, page);
                    found += wanted.Count(secret => page.AsSpan().IndexOf(secret) >= 0);
                }
            }
        }
        Assert.True(found is 0 or 3, $"{found} of 3 secrets are in {id}");
        return found > 0;
    }

    /// <summary>As in target.h.</summary>
    private static ulong Mix(ulong value)
    {
        value += 0x9e3779b97f4a7c15;
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}

using System.Text.Json;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>A restore that can't be says everything that is wrong at once, and changes nothing.</summary>
public sealed class RestoreReasonsTests
{
    [SkippableFact]
    public void A_taken_pid_is_named()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("sleeper");
        store.Take(target.Pid);
        SnapError error = store.Fails("restore", "latest");
        Assert.Equal(9, error.ExitCode);
        Assert.Contains(SnapStore.Text(target.Pid), error.Text, StringComparison.Ordinal);
        Assert.Empty(target.Check());
    }

    [SkippableFact]
    public void Every_reason_is_listed_at_once_and_nothing_is_changed()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        string binary = store["copy-of-descriptors"];
        File.Copy(CompiledProgram.Get("descriptors").Path, binary);
        using Target target = Target.StartAt(binary, "{dir}", "files", "shared");
        JsonElement taken = store.Take(target.Pid);
        string appended = target.Directory["appended"], file = target.Directory["file"], shared = target.Directory["shared"];
        target.Kill();
        using Target squatter = TakePid(target.Pid);
        File.Delete(appended);                              // missing
        File.WriteAllText(file, "short");                   // shorter than recorded
        File.AppendAllText(shared, "and more");             // differs
        byte[] program = File.ReadAllBytes(binary);         // the executable changed
        program[^1] ^= 1;
        File.Delete(binary);
        File.WriteAllBytes(binary, program);

        SnapError error = store.Fails("restore", taken.GetProperty("id").GetString()!);
        Assert.Equal(9, error.ExitCode);
        string text = error.Text;
        foreach (string changed in new[] { appended, file, shared, binary })
            Assert.True(text.Contains(changed, StringComparison.Ordinal), $"{changed} is not named in\n{text}");
        if (squatter.Pid == target.Pid)
            Assert.Contains(SnapStore.Text(target.Pid), text, StringComparison.Ordinal);
        Assert.True(error.All.Count() >= 4, text);
        Assert.Equal("short", File.ReadAllText(file));
        Assert.Empty(squatter.Check());
    }

    [SkippableFact]
    public void Files_that_differ_are_listed_and_kept_when_asked()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Target target = Target.Start("descriptors", "{dir}", "files");
        store.Take(target.Pid);
        target.Kill();
        File.AppendAllText(target.Directory["appended"], " and more");
        SnapError error = store.Fails("restore", "latest");
        Assert.Equal(9, error.ExitCode);
        Assert.Contains(target.Directory["appended"], error.Text, StringComparison.Ordinal);
        Assert.Contains("--files keep", error.Text, StringComparison.Ordinal);
        Command parent = store.RestoreInto(target, "latest", "--files", "keep");
        Assert.Equal("first and more", File.ReadAllText(target.Directory["appended"]));
        target.Kill();
        parent.WaitForEnd();
    }

    /// <summary>Another process under the pid, if one can be put there.</summary>
    private static Target TakePid(int pid)
    {
        File.WriteAllText("/proc/sys/kernel/ns_last_pid", SnapStore.Text(pid - 1));
        return Target.Start("sleeper");
    }
}

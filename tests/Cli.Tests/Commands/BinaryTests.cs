using System.Text.Json;
using Snap.Testing;

namespace Snap.Cli.Tests.Commands;

/// <summary>The published binary, its launcher, and the demo.</summary>
public sealed class BinaryTests
{
    [SkippableFact]
    public void The_demo_restores_its_program_and_leaves_nothing_behind()
    {
        SnapBinary.SkipUnlessCanRestore();
        using var temporary = new TemporaryDirectory();
        CommandResult demo = Command.Run(SnapBinary.PathOrSkip(), ["demo", "--json"], new Dictionary<string, string?> { ["TMPDIR"] = temporary.Path });
        Assert.True(demo.ExitCode == 0, demo.ToString());
        JsonElement json = JsonDocument.Parse(demo.Output).RootElement;
        Assert.True(json.GetProperty("continuedWithStep").GetInt32() <= json.GetProperty("killedAfterStep").GetInt32());
        Assert.Empty(Directory.GetFileSystemEntries(temporary.Path));
        Assert.False(Directory.Exists($"/proc/{json.GetProperty("pid").GetInt32()}"));
    }

    [SkippableFact]
    public void The_demo_works_without_python()
    {
        SnapBinary.SkipUnlessCanRestore();
        using var bin = new TemporaryDirectory();
        foreach (string program in new[] { "sh", "od", "tr" })
            File.CreateSymbolicLink(bin[program], Command.Run("sh", ["-c", $"command -v {program}"]).Output.Trim());
        CommandResult demo = Command.Run(SnapBinary.PathOrSkip(), ["demo"], new Dictionary<string, string?> { ["PATH"] = bin.Path });
        Assert.True(demo.ExitCode == 0, demo.ToString());
        Assert.Contains("(sh, pid", demo.Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void The_launcher_runs_the_binary_without_building_it_again()
    {
        SnapBinary.PathOrSkip();
        Skip.IfNot(File.Exists(Path.Combine(RepositoryRoot.Path, "out/published")), "the binary was not published by the launcher");
        CommandResult first = Command.Run(Path.Combine(RepositoryRoot.Path, "snap"), ["--version"]);
        Assert.True(first.ExitCode == 0, first.ToString());
        Assert.Matches(@"^snap \d+\.\d+\.\d+\n$", first.Output);
        CommandResult second = Command.Run(Path.Combine(RepositoryRoot.Path, "snap"), ["--version"]);
        Assert.Equal("", second.Error);
        Assert.Equal(first.Output, second.Output);
    }

    [SkippableFact]
    public void Output_that_nobody_reads_ends_the_command_quietly()
    {
        CommandResult result = Command.Run("sh", ["-c", $"{{ {SnapBinary.PathOrSkip()} --help; echo \"code $?\" >&2; }} | true"]);
        Assert.DoesNotContain("S0001", result.Error, StringComparison.Ordinal);
        Assert.Contains("code ", result.Error, StringComparison.Ordinal);
    }
}

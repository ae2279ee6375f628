using System.Text.Json;
using Snap.Testing;

namespace Snap.Cli.Tests.Commands;

/// <summary>The published binary: $SNAP_BINARY, else out/snap of the repository. Its tests are skipped without one.</summary>
internal static class SnapBinary
{
    public static string PathOrSkip()
    {
        string path = Environment.GetEnvironmentVariable("SNAP_BINARY") is { Length: > 0 } named ? named : Path.Combine(RepositoryRoot.Path, "out/snap");
        Skip.IfNot(File.Exists(path), $"{path} is not published; ./snap makes it");
        return path;
    }

    /// <summary>Skips a test that captures a process where this user or kernel can't.</summary>
    public static void SkipUnlessCanRestore()
    {
        JsonElement check = Json("check", "--json");
        Skip.IfNot(check.GetProperty("canCapture").GetBoolean(), "no snapshots can be taken here (snap check)");
        Skip.IfNot(check.GetProperty("canRestore").GetBoolean(), "no snapshots can be restored by this user (snap check)");
    }

    /// <summary>The stores of these tests come and go with their directories; their engines see that, and shall not stay much longer either.</summary>
    private static readonly Dictionary<string, string?> _environment = new() { ["SNAP_ENGINE_LINGER"] = "1s" };

    public static CommandResult Run(params string[] arguments) => Command.Run(PathOrSkip(), arguments, _environment);

    public static Command Start(params string[] arguments) => Command.Start(PathOrSkip(), arguments, _environment);

    /// <summary>Runs it, expects success, and reads the JSON on stdout.</summary>
    public static JsonElement Json(params string[] arguments)
    {
        CommandResult result = Run(arguments);
        Assert.True(result.ExitCode == 0, result.ToString());
        return JsonDocument.Parse(result.Output).RootElement;
    }

    /// <summary>Runs it, expects failure, and reads the error on stdout.</summary>
    public static (int ExitCode, JsonElement Error) JsonError(params string[] arguments)
    {
        CommandResult result = Run(arguments);
        Assert.True(result.ExitCode != 0, result.ToString());
        return (result.ExitCode, JsonDocument.Parse(result.Output).RootElement.GetProperty("error"));
    }
}

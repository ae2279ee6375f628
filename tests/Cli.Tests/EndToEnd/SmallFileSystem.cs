using System.Globalization;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>A tmpfs of a few MiB, mounted for one test.</summary>
internal sealed class SmallFileSystem : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public SmallFileSystem(int mebibytes)
    {
        CommandResult mounted = Command.Run("mount", ["-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={mebibytes}m"), "tmpfs", _directory.Path]);
        if (mounted.ExitCode == 0)
            return;
        _directory.Dispose();
        Skip.If(true, $"no file system can be mounted here: {mounted.Error.Trim()}");
    }

    /// <summary>A path in it.</summary>
    public string this[string name] => _directory[name];

    /// <summary>Writes a file until there is no room left.</summary>
    public void FillUp(string name) => Command.Run("dd", ["if=/dev/zero", $"of={this[name]}", "bs=64k"]);

    public void Dispose()
    {
        Command.Run("umount", [_directory.Path]);
        _directory.Dispose();
    }
}

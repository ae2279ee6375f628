using Snap.Kernel.Abi;
using Snap.Kernel.Files;

namespace Snap.Engine.Rescue;

/// <summary>What a rescued target's 0, 1 and 2 are bound to where they led outside: nobody is at their other end any more.</summary>
internal sealed class RescueFiles : IDisposable
{
    private readonly FileDescriptor _input, _output;

    /// <summary>Opens them: nothing to read, and a file in the store's directory to which output is appended.</summary>
    public RescueFiles(string store, string name)
    {
        OutputPath = Path.Combine(store, $"rescued-{name}.out");
        _input = FileDescriptor.Open("/dev/null", Fcntl.O_RDONLY);
        _output = FileDescriptor.Open(OutputPath, Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_APPEND, 0x180);
    }

    /// <summary>Where output goes.</summary>
    public string OutputPath { get; }

    /// <summary>For <see cref="Restorer.RestoreOptions.Stdio"/>.</summary>
    public IReadOnlyDictionary<int, FileDescriptor> Descriptors => new Dictionary<int, FileDescriptor> { [0] = _input, [1] = _output, [2] = _output };

    /// <inheritdoc/>
    public void Dispose()
    {
        _input.Dispose();
        _output.Dispose();
    }
}

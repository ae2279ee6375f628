using System.Globalization;
using System.Text;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;

namespace Snap.Engine.Server;

/// <summary>The engine's log: a line an event, in the store's directory, for its owner only. When it has grown too long its first half goes.</summary>
internal sealed class EngineLog : IDisposable
{
    private readonly string _path;
    private readonly FileDescriptor _file;
    private readonly Lock _gate = new();
    private readonly int _limit;
    private bool _isClosed;

    /// <summary>Opens it; what the runtime or a tracer says on standard error goes there too, if asked for.</summary>
    public EngineLog(string path, bool takesStandardError, int limit = 1 << 20)
    {
        (_path, _limit) = (path, limit);
        _file = FileDescriptor.Open(path, Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_APPEND, 0x180);
        if (takesStandardError)
            _file.DuplicateTo(2);
    }

    /// <summary>Adds a line. What can't be written is lost: on a full disk, or by a thread that the engine's end didn't wait for.</summary>
    public void Write(string line)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{DateTime.UtcNow:yyyy-MM-ddTHH:mm:ss.fffZ} {Environment.ProcessId} {line.ReplaceLineEndings(" | ")}\n"));
        lock (_gate)
        {
            if (_isClosed)
                return;
            _file.TryWrite(bytes);
            if (_file.Stat().st_size > _limit)
                Halve();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
            _isClosed = true;
        _file.Dispose();
    }

    /// <summary>In place, since tracers hold the same file.</summary>
    private void Halve()
    {
        byte[] all = File.ReadAllBytes(_path);
        ReadOnlySpan<byte> rest = all.AsSpan(all.Length / 2);
        rest = rest[(rest.IndexOf((byte)'\n') + 1)..];
        _file.Truncate(0);
        _file.TryWrite(rest);
    }
}

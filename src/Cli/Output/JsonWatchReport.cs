using Snap.Engine;
using Snap.Engine.Rescue;
using Snap.Store;

namespace Snap.Cli.Output;

/// <summary>One JSON array, an element a line as snapshots are taken; what goes wrong on the way is said on stderr.</summary>
/// <remarks>It is closed by <see cref="End"/>, or, with the failure as its last element, by nobody: a watch that fails before its first snapshot prints the error alone.</remarks>
internal sealed class JsonWatchReport(Terminal terminal) : IWatchReport
{
    private readonly TroubleReport _trouble = new(terminal.Error);
    private bool _isOpen, _isClosed;

    /// <inheritdoc/>
    public void Snapshot(SnapshotInfo snapshot)
    {
        terminal.Out.Write(_isOpen ? ",\n" : "[\n");
        _isOpen = true;
        terminal.Out.Write(CliJson.Text(SnapshotJson.Of(snapshot), CliJson.Readable.SnapshotJson));
    }

    /// <inheritdoc/>
    public void Rescued(RescuedTarget rescued) => RescueText.Write(terminal.Error, rescued);

    /// <inheritdoc/>
    public void Status(WatchStatus status) => _trouble.Tell(status);

    /// <inheritdoc/>
    public void End(WatchResult result)
    {
        terminal.Out.WriteLine(_isOpen ? "\n]" : "[]");
        _isClosed = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Failed after some snapshots: the error follows as one more element, and the array is closed behind it.
        if (_isOpen && !_isClosed)
            terminal.Out.WriteLine("\n]");
    }
}

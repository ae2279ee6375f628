using Snap.Image;
using Snap.Kernel.Memory;

namespace Snap.Dumper.Host;

/// <summary>A sink without a second process: every page goes to a receiver the moment it is published. For tests, and for the dumper as a library.</summary>
/// <param name="receiver">Who gets the pages.</param>
/// <param name="streamLength">Bytes for pages copied live.</param>
/// <param name="pauseCapacity">Most bytes for pages copied in a pause.</param>
public sealed class InProcessSink(IPageReceiver receiver, ulong streamLength = 64UL << 20, ulong pauseCapacity = 1UL << 30) : IPageSink, IDisposable
{
    private ulong _touched;
    private bool _isAcquired;

    /// <inheritdoc/>
    public MappedMemory Memory { get; } = MappedMemory.Anonymous(streamLength + pauseCapacity);

    /// <inheritdoc/>
    public ulong AcquireStream(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)length, streamLength);
        Invariant.Holds(!_isAcquired);
        _isAcquired = true;
        return 0;
    }

    /// <inheritdoc/>
    public void PublishStream(ulong offset, int acquired, ReadOnlySpan<SpaceRun> runs)
    {
        Invariant.Holds(_isAcquired && offset == 0);
        _isAcquired = false;
        Deliver(0, (ulong)acquired, runs);
    }

    /// <inheritdoc/>
    public (ulong Offset, ulong Length) AcquirePause(ulong wantedLength)
    {
        ulong wanted = Math.Min((wantedLength + PageRange.PageSize - 1) / PageRange.PageSize * PageRange.PageSize, pauseCapacity);
        if (wanted > _touched)
        {
            Memory.Populate(streamLength + _touched, wanted - _touched);
            _touched = wanted;
        }

        return (streamLength, _touched);
    }

    /// <inheritdoc/>
    public void PublishPause(ReadOnlySpan<SpaceRun> runs) => Deliver(streamLength, _touched, runs);

    /// <inheritdoc/>
    public void PublishZero(SpaceId space, PageRange range) => receiver.Zero(space, range);

    /// <inheritdoc/>
    public void PublishDrop(SpaceId space, PageRange range) => receiver.Drop(space, range);

    /// <inheritdoc/>
    public void PublishRemoved(SpaceId space) => receiver.Removed(space);

    /// <inheritdoc/>
    public void Dispose() => Memory.Dispose();

    private void Deliver(ulong offset, ulong room, ReadOnlySpan<SpaceRun> runs)
    {
        ulong end = offset + room;
        foreach (SpaceRun run in runs)
        {
            Invariant.Holds(offset + (run.Range.Count << PageRange.PageShift) <= end);
            SharedPages.Deliver(Memory, ref offset, run, receiver);
        }
    }
}

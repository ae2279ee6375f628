// Invariants.
// Must: room of the ring is written again only after the engine freed it; the engine reads the counters' memory after the message that names it.
// Must: the head of the ring is always what the last message frees, or room is waited for that nobody will free.
// Must: what is waited for is checked again after TracerWaits was set, and the engine looks at TracerWaits after it freed: no wake-up is lost.
// Must: nothing here is called while the target is frozen, so everything may block on the engine; what blocks ends when the engine ends.
// Must: publishing never throws. An interval whose engine ends after its freeze is complete for the tracer, and its fate is settled by the next engine.
using System.Buffers.Binary;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Memory;

namespace Snap.Dumper.Host;

/// <summary>The tracer's end of the shared memory: a ring for what is copied live, one area for what is copied in a pause, messages about both.</summary>
internal sealed class SharedPageSink : IPageSink, IDisposable
{
    private readonly FrameSocket _socket;
    private readonly SharedLayout _layout;
    private readonly Queue<(FrameKind Kind, byte[] Payload)> _waiting = [];
    private readonly byte[] _message = new byte[PageFrames.HeadLength + (PageFrames.MaxRuns * PageFrames.RunLength)];
    private ulong? _acquired;
    private ulong _head;
    private ulong _freed;
    private ulong _pauses;
    private ulong _touched;

    public SharedPageSink(FrameSocket socket, MappedMemory memory, SharedLayout layout) => (_socket, Memory, _layout) = (socket, memory, layout);

    /// <inheritdoc/>
    public MappedMemory Memory { get; }

    /// <summary>The engine has ended: nothing that is taken can be stored any more.</summary>
    public bool EngineGone { get; private set; }

    /// <inheritdoc/>
    public bool IsReaderGone => EngineGone || _socket.IsHungUp;

    /// <summary>Commands that came while something was waited for, in their order.</summary>
    public Queue<(FrameKind Kind, byte[] Payload)> Waiting => _waiting;

    /// <inheritdoc/>
    public ulong AcquireStream(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)length, _layout.StreamLength);
        Invariant.Holds(_acquired is null);
        if (EngineGone)
            throw Lost();
        WaitUntil(() => TryPlace((ulong)length));
        return _layout.Stream + (_acquired!.Value % _layout.StreamLength);
    }

    /// <inheritdoc/>
    public void PublishStream(ulong offset, int acquired, ReadOnlySpan<SpaceRun> runs)
    {
        ulong start = _acquired ?? throw new InvalidOperationException("nothing was acquired");
        Invariant.Holds(offset == _layout.Stream + (start % _layout.StreamLength));
        _acquired = null;
        // The head moves only with a message that frees up to it: a skipped end of the ring that no message frees would be lost for ever.
        if (runs.Length == 0)
            return;
        _head = start;
        foreach (SpaceRun run in runs)
            _head += run.Range.Count << PageRange.PageShift;
        Invariant.Holds(_head > start && _head <= start + (ulong)acquired);
        Publish(offset, runs, _head, 0);
    }

    /// <inheritdoc/>
    public (ulong Offset, ulong Length) AcquirePause(ulong wantedLength)
    {
        WaitUntil(() => Volatile.Read(ref SharedLayout.FreedPauses(Memory)) == _pauses);
        ulong wanted = Math.Min(RoundUp(wantedLength, 256 * 1024), _layout.PauseCapacity);
        ulong kept = Math.Max(wanted, _layout.PauseKept);
        if (_touched > kept)
        {
            Memory.Advise(_layout.Pause + kept, _touched - kept, Mman.MADV_REMOVE);
            _touched = kept;
        }

        if (_touched < wanted)
        {
            Memory.Populate(_layout.Pause + _touched, wanted - _touched);
            _touched = wanted;
        }

        return (_layout.Pause, _touched);
    }

    /// <inheritdoc/>
    public void PublishPause(ReadOnlySpan<SpaceRun> runs)
    {
        if (runs.Length == 0)
            return;
        _pauses++;
        Publish(_layout.Pause, runs, 0, _pauses);
    }

    /// <inheritdoc/>
    public void PublishZero(SpaceId space, PageRange range) => Write(FrameKind.Zero, space, range);

    /// <inheritdoc/>
    public void PublishDrop(SpaceId space, PageRange range) => Write(FrameKind.Drop, space, range);

    /// <inheritdoc/>
    public void PublishRemoved(SpaceId space)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_message, space.Value);
        Send(FrameKind.Removed, _message.AsSpan(0, sizeof(uint)));
    }

    /// <inheritdoc/>
    public void Dispose() => Memory.Dispose();

    private static ulong RoundUp(ulong value, ulong unit) => (value + unit - 1) / unit * unit;

    /// <summary>Finds contiguous room in the ring. Positions count bytes from the beginning of time; modulo the length they are places.</summary>
    private bool TryPlace(ulong length)
    {
        ulong size = _layout.StreamLength;
        _freed = Math.Max(_freed, Volatile.Read(ref SharedLayout.FreedStream(Memory)));
        // An empty ring begins anew at its start: a small target then keeps using the same few pages, touched and in the cache.
        if (_freed == _head)
            _freed = _head = RoundUp(_head, size);
        ulong start = (_head % size) + length > size ? RoundUp(_head, size) : _head;
        if (start + length - _freed > size)
            return false;
        _acquired = start;
        return true;
    }

    /// <summary>Sends runs in as many messages as they need; the last one frees their memory.</summary>
    private void Publish(ulong offset, ReadOnlySpan<SpaceRun> runs, ulong freesStream, ulong freesPause)
    {
        do
        {
            ReadOnlySpan<SpaceRun> part = runs[..Math.Min(runs.Length, PageFrames.MaxRuns)];
            runs = runs[part.Length..];
            bool isLast = runs.Length == 0;
            PageFrames.WriteHead(_message, offset, isLast ? freesStream : 0, isLast ? freesPause : 0);
            int length = PageFrames.HeadLength;
            foreach (SpaceRun run in part)
            {
                PageFrames.WriteRun(_message.AsSpan(length), run.Space, run.Range);
                length += PageFrames.RunLength;
                offset += run.Range.Count << PageRange.PageShift;
            }

            Send(FrameKind.Pages, _message.AsSpan(0, length));
        }
        while (runs.Length > 0);
    }

    private void Write(FrameKind kind, SpaceId space, PageRange range)
    {
        PageFrames.WriteRun(_message, space, range);
        Send(kind, _message.AsSpan(0, PageFrames.RunLength));
    }

    private void Send(FrameKind kind, ReadOnlySpan<byte> payload)
    {
        if (!EngineGone && !_socket.TryWrite(kind, payload))
            EngineGone = true;
    }

    /// <summary>Waits for the engine to free something; its other messages are kept for the main loop.</summary>
    private void WaitUntil(Func<bool> isFree)
    {
        while (!isFree())
        {
            Volatile.Write(ref SharedLayout.TracerWaits(Memory), 1);
            Interlocked.MemoryBarrier();
            if (isFree())
            {
                Volatile.Write(ref SharedLayout.TracerWaits(Memory), 0);
                return;
            }

            if (EngineGone || !_socket.TryRead(out Frame frame))
            {
                EngineGone = true;
                throw Lost();
            }

            if (frame.Kind != FrameKind.Wake)
                _waiting.Enqueue((frame.Kind, frame.Payload.ToArray()));
        }
    }

    private static SnapException Lost() => new(ErrorCatalogue.EngineLost, "the engine ended while its tracer was at work");
}

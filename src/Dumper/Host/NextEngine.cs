// Invariants.
// Must: while no engine is there nothing of what the tracer knows changes: which intervals are durable is settled by the next engine, from the store.
// Must: whoever connects and says nothing, or nothing good, is left again after a while; a stuck thread of the target is let go meanwhile.
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;

namespace Snap.Dumper.Host;

/// <summary>Where a tracer whose engine ended waits for the next one of the same store: a socket that the first engine made, with a name in a directory of the store's.</summary>
internal sealed class NextEngine(FileDescriptor listening, string path, TimeSpan patience) : IDisposable
{
    private const int LookMs = 250, StuckMs = 5, WordMs = 5000;

    /// <summary>From now on whoever connects sees this process as the one who listens.</summary>
    public void BeginToListen() => UnixSocket.ListenAsOwn(listening);

    /// <summary>Waits for one.</summary>
    /// <param name="tracer">Its target's end, or the end of its store, ends the waiting.</param>
    /// <param name="state">What the engine is told.</param>
    /// <returns>The engine's connection and the memory that pages go through from now on; null: it is over.</returns>
    public (FrameSocket Socket, SharedLayout Layout, MappedMemory Memory)? Wait(ITreeTracer tracer, OrphanState state)
    {
        for (long end = Environment.TickCount64 + (long)patience.TotalMilliseconds; Environment.TickCount64 < end && !tracer.TargetGone && IsKnown();)
        {
            if (!WaitForInput(listening, tracer, (int)Math.Min(LookMs, end - Environment.TickCount64)) || UnixSocket.TryAccept(listening) is not { } connected)
                continue;
            var socket = new FrameSocket(connected);
            try
            {
                Frame word = IsTrusted(connected) ? Greet(socket, connected, tracer, state) : default;
                if (word.Kind == FrameKind.Adopt && TryAdopt(socket, tracer, word) is { } adopted)
                    return adopted;
                socket.Dispose();
                if (word.Kind == FrameKind.Stop)
                    return null;
            }
            catch (Exception broken) when (broken is System.Text.Json.JsonException or Kernel.KernelException)
            {
                // It speaks of something else; another may come.
                socket.Dispose();
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        listening.Dispose();
        try
        {
            File.Delete(path);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // With the store, or it can't be reached any more: the next engine finds that nobody listens.
        }
    }

    /// <returns>The engine's first word; none if it has none.</returns>
    private static Frame Greet(FrameSocket socket, FileDescriptor connected, ITreeTracer tracer, OrphanState state) =>
        socket.TryWrite(FrameKind.Hello, new HelloMessage(HelloMessage.CurrentProtocol, HelloMessage.OwnVersion), MessageJson.Default.HelloMessage)
        && socket.TryWrite(FrameKind.Orphaned, state, MessageJson.Default.OrphanState)
        && WaitForInput(connected, tracer, WordMs) && socket.TryRead(out Frame word) ? word : default;

    private static (FrameSocket Socket, SharedLayout Layout, MappedMemory Memory)? TryAdopt(FrameSocket socket, ITreeTracer tracer, Frame frame)
    {
        AdoptMessage adopt = frame.Read(MessageJson.Default.AdoptMessage);
        using FileDescriptor? memfd = socket.TryReceive();
        if (memfd is null || adopt.Protocol != HelloMessage.CurrentProtocol)
            return null;
        MappedMemory memory = MappedMemory.Shared(memfd, adopt.Layout.Length);
        if (socket.TryWrite(FrameKind.Attached, new AttachedMessage(tracer.Tracker), MessageJson.Default.AttachedMessage))
            return (socket, adopt.Layout, memory);
        memory.Dispose();
        return null;
    }

    // A store that was removed has no next engine.
    private bool IsKnown() => File.Exists(path);

    private static bool IsTrusted(FileDescriptor connected) =>
        UnixSocket.Peer(connected.Number).UserId == OwnProcess.EffectiveUser && PeerCheck.Refuse(connected.Number) is null;

    private static bool WaitForInput(FileDescriptor socket, ITreeTracer tracer, int timeoutMs)
    {
        for (long end = Environment.TickCount64 + timeoutMs; ;)
        {
            int left = (int)Math.Max(0, end - Environment.TickCount64);
            if (socket.WaitFor(Poll.POLLIN, tracer.HasStuckThreads ? Math.Min(StuckMs, left) : left) != 0)
                return true;
            tracer.ReleaseStuckThreads();
            if (left == 0)
                return false;
        }
    }
}

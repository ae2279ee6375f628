using Snap.Image;
using Snap.Kernel.Files;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Host;

/// <summary>
/// A tracer process: attaches to one tree, takes checkpoints as its engine asks, and ends, target untouched, when the engine says so; or, if the engine is gone
/// without a word, when no other has come for a while.
/// </summary>
/// <remarks>
/// Descriptors are inherited under fixed numbers: a socket for messages, the memory that pages go through, and, unless the tracer ends with its engine, a
/// listening socket for the next. The calling thread is the
/// one that owns the target; there is no other of ours, so no collection of garbage can fall into a pause.
/// </remarks>
public static class TracerHost
{
    /// <summary>The hidden command under which the snap binary becomes a tracer.</summary>
    public const string Command = "__tracer";

    /// <summary>Descriptor of the socket.</summary>
    public const int SocketNumber = 3;

    /// <summary>Descriptor of the shared memory.</summary>
    public const int MemoryNumber = 4;

    /// <summary>Descriptor of the listening socket, if there is one.</summary>
    public const int ListeningNumber = 5;

    /// <summary>The process's main function: <c>snap __tracer</c>.</summary>
    /// <returns>Exit code; nobody but a log reads it, the engine is told by messages.</returns>
    public static int Main(string[] arguments, Func<AttachRequest, ITreeTracer> attach)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(arguments.Length, 0, nameof(arguments));
        OwnProcess.ForbidDumps();
        OwnProcess.SetThreadName("snap-tracer");
        Environment.CurrentDirectory = "/";
        _ = Fault.IsArmed;
        using var socket = new FrameSocket(new FileDescriptor(SocketNumber));
        using var memory = new FileDescriptor(MemoryNumber);
        return Run(socket, memory, attach, () => new FileDescriptor(ListeningNumber));
    }

    /// <summary>Speaks the protocol over a socket until the engine says stop, or is gone and no other comes.</summary>
    /// <param name="socket">To the engine; is disposed of when it is gone.</param>
    /// <param name="memory">What pages go through; is disposed of once it is mapped.</param>
    /// <param name="attach">Makes the tracer.</param>
    /// <param name="listening">Where another engine would connect; called if the engine says that there is one.</param>
    internal static int Run(FrameSocket socket, FileDescriptor memory, Func<AttachRequest, ITreeTracer> attach, Func<FileDescriptor>? listening = null)
    {
        FrameSocket current = socket;
        try
        {
            if (Begin(socket) is not { } start)
                return 0;
            using NextEngine? next = start.SocketPath is { } path && listening is not null ? new NextEngine(listening(), path, TimeSpan.FromMilliseconds(start.PatienceMs)) : null;
            next?.BeginToListen();
            using ITreeTracer? tracer = AttachOrRefuse(socket, start.Request, attach);
            if (tracer is null)
                return 0;
            MappedMemory pages = MappedMemory.Shared(memory, start.Layout.Length);
            memory.Dispose();
            if (!socket.TryWrite(FrameKind.Attached, new AttachedMessage(tracer.Tracker), MessageJson.Default.AttachedMessage))
                return 0;
            ulong startTime = TaskFiles.OfProcess(start.Request.Pid).ReadStat()?.StartTime ?? 0;
            var fates = new IntervalFates(start.Request.Parent);
            for (SharedLayout layout = start.Layout; ;)
            {
                bool isToldToEnd;
                using (var sink = new SharedPageSink(current, pages, layout))
                    isToldToEnd = Serve(current, tracer, sink, fates);
                // Told to end, the target is let go before the engine sees the connection closed.
                if (isToldToEnd || next is null)
                    return 0;
                current.Dispose();
                if (next.Wait(tracer, fates.Describe(start.Request.Pid, startTime)) is not { } engine)
                    return 0;
                (current, layout, pages) = engine;
            }
        }
#pragma warning disable CA1031 // The top of the process: whatever it is, the engine is told, and the target has been let go by the disposals above.
        catch (Exception bug)
        {
            current.TryWrite(FrameKind.Crashed, ErrorMessage.Of(new SnapException(ErrorCatalogue.Internal, "the tracer met a failure that it did not expect",
                why: bug.ToString(), toDo: "please report this; the target was let go")), MessageJson.Default.ErrorMessage);
            return 1;
        }
#pragma warning restore CA1031
        finally
        {
            current.Dispose();
        }
    }

    private static StartMessage? Begin(FrameSocket socket)
    {
        socket.TryWrite(FrameKind.Hello, new HelloMessage(HelloMessage.CurrentProtocol, HelloMessage.OwnVersion), MessageJson.Default.HelloMessage);
        if (!socket.TryRead(out Frame frame) || frame.Kind != FrameKind.Start)
            return null;
        return frame.Read(MessageJson.Default.StartMessage);
    }

    private static ITreeTracer? AttachOrRefuse(FrameSocket socket, AttachRequest request, Func<AttachRequest, ITreeTracer> attach)
    {
        try
        {
            ITreeTracer tracer = attach(request);
            Fault.Hit(FaultPoint.Attach);
            return tracer;
        }
        catch (SnapException refused)
        {
            socket.TryWrite(FrameKind.Refused, ErrorMessage.Of(refused), MessageJson.Default.ErrorMessage);
            return null;
        }
    }

    /// <returns>False: the engine is gone.</returns>
    private static bool Serve(FrameSocket socket, ITreeTracer tracer, SharedPageSink sink, IntervalFates fates)
    {
        // Also what an engine said before it ended is heard to its end.
        while (true)
        {
            FrameKind kind;
            ReadOnlyMemory<byte> payload;
            if (sink.Waiting.TryDequeue(out (FrameKind Kind, byte[] Payload) kept))
                (kind, payload) = (kept.Kind, kept.Payload);
            else if (TryRead(socket, tracer, out Frame frame))
                (kind, payload) = (frame.Kind, frame.Payload);
            else
                return false;
            switch (kind)
            {
                case FrameKind.Take:
                    TakeMessage take = MessageCodec.Read(payload.Span, MessageJson.Default.TakeMessage);
                    fates.Asked(take.Request.Interval);
                    if (!sink.IsReaderGone)
                        Take(socket, tracer, sink, take, fates);
                    break;
                case FrameKind.Committed:
                    tracer.Committed(BitConverter.ToUInt64(payload.Span));
                    fates.Committed(BitConverter.ToUInt64(payload.Span));
                    break;
                case FrameKind.NotStored:
                    tracer.Failed(BitConverter.ToUInt64(payload.Span));
                    fates.NotStored(BitConverter.ToUInt64(payload.Span));
                    break;
                case FrameKind.Wake:
                    break;
                case FrameKind.Stop:
                    return true;
                default:
                    throw new InvalidOperationException($"unexpected message {kind}");
            }
        }
    }

    // A thread that stopped too late for a freeze stands still until it is let go, so nobody may wait for the engine that long.
    private static bool TryRead(FrameSocket socket, ITreeTracer tracer, out Frame frame)
    {
        const int pollMs = 5;
        while (tracer.HasStuckThreads && !socket.WaitForInput(pollMs))
            tracer.ReleaseStuckThreads();
        return socket.TryRead(out frame);
    }

    private static void Take(FrameSocket socket, ITreeTracer tracer, SharedPageSink sink, TakeMessage take, IntervalFates fates)
    {
        CheckpointRequest request = take.Request;
        CheckpointResult result;
        try
        {
            result = tracer.Take(request, sink);
        }
        catch (SnapException failed)
        {
            if (!sink.EngineGone)
                socket.TryWrite(FrameKind.NotTaken, new NotTakenMessage(request.Interval, ErrorMessage.Of(failed), tracer.TargetGone), MessageJson.Default.NotTakenMessage);
            return;
        }

        fates.Taken(request.Interval, take.Snapshot);
        Fault.Hit(FaultPoint.Report);
        byte[] summary = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(
            new TakenMessage(request.Interval, CheckpointSummary.Of(result)), MessageJson.Default.TakenMessage);
        byte[] image = ImageCodec.Encode(result.Image);
        byte[] head = [.. BitConverter.GetBytes(summary.Length), .. summary];
        socket.TryWrite(FrameKind.Taken, head, image);
    }
}

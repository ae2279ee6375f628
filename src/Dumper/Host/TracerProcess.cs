// Invariants.
// Must: memory is freed for the tracer only after the receiver has returned from it.
// Must: messages of one tracer are handled in order by one thread (Receive), so that what is said of an interval is complete when it ends.
using System.Buffers.Binary;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Files;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Host;

/// <summary>How to start a tracer process.</summary>
public sealed record TracerLaunch
{
    /// <summary>The program and the arguments that make it call <see cref="TracerHost.Main"/>.</summary>
    public required IReadOnlyList<string> Program { get; init; }

    /// <summary>Sizes of the shared memory.</summary>
    public SharedLayout Layout { get; init; } = SharedLayout.Default;

    /// <summary>Where a later engine finds it should this one end without a word; null: then it ends, too.</summary>
    public TracerMeeting? Meeting { get; init; }

    /// <summary>Variables to set or (null) to remove.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>This very program, with <see cref="TracerHost.Command"/>.</summary>
    public static TracerLaunch Own { get; } = new() { Program = OwnProgram() };

    // By its link in /proc the binary is found even if it was replaced meanwhile: tracer and engine are then still of one version.
    private static string[] OwnProgram()
    {
        string path = System.Environment.ProcessPath ?? throw new InvalidOperationException("this process has no program file");
        return Path.GetFileNameWithoutExtension(path) == "dotnet"
            ? [path, System.Environment.GetCommandLineArgs()[0], TracerHost.Command]
            : ["/proc/self/exe", TracerHost.Command];
    }
}

/// <summary>The engine's end of a tracer process: starts it, asks for checkpoints, passes on what it says.</summary>
/// <remarks>One thread calls <see cref="Receive"/> all the time; every other method may be called by any thread.</remarks>
public sealed class TracerProcess : IDisposable
{
    // Neither: the loop runs on a thread of this process, in tests. The second, if another engine started it.
    private readonly ChildProcess? _child;
    private readonly ProcessHandle? _adopted;
    private readonly FrameSocket _socket;
    private readonly MappedMemory _memory;
    private readonly string? _meetingPath;
    private bool _isLeft;
    private int _isDisposed;

    private TracerProcess(ChildProcess? child, ProcessHandle? adopted, FrameSocket socket, MappedMemory memory, TrackerKind tracker, string? meetingPath) =>
        (_child, _adopted, _socket, _memory, Tracker, _meetingPath) = (child, adopted, socket, memory, tracker, meetingPath);

    /// <summary>Its pid.</summary>
    public int Pid => _child?.Pid ?? _adopted?.Pid ?? System.Environment.ProcessId;

    /// <summary>Which tracker it found at the start.</summary>
    public TrackerKind Tracker { get; }

    /// <summary>It waits for the next engine if this one ends without a word.</summary>
    public bool WaitsForNext => _meetingPath is not null;

    /// <summary>Starts a tracer and lets it attach.</summary>
    /// <exception cref="SnapException">It could not be started, is of another version, or says why the target can't be captured (every reason).</exception>
    public static TracerProcess Start(TracerLaunch launch, AttachRequest request)
    {
        using FileDescriptor memfd = FileDescriptor.CreateMemfd("snap-pages");
        memfd.Truncate(launch.Layout.Length);
        (FileDescriptor ours, FileDescriptor theirs) = FileDescriptor.CreateSocketPair();
        var socket = new FrameSocket(ours);
        MappedMemory? memory = null;
        ChildProcess? child = null;
        string? meetingPath = null;
        try
        {
            memory = MappedMemory.Shared(memfd, launch.Layout.Length);
            using (theirs)
            using (FileDescriptor? listening = launch.Meeting?.TryListen(request.Pid, out meetingPath))
                child = StartChild(launch, theirs, memfd, listening);
            var start = new StartMessage(HelloMessage.CurrentProtocol, request, launch.Layout, meetingPath, (long)(launch.Meeting?.Patience.TotalMilliseconds ?? 0));
            return new TracerProcess(child, null, socket, memory, Handshake(socket, start, child), meetingPath);
        }
        catch
        {
            socket.Dispose();
            memory?.Dispose();
            child?.Wait();
            TracerMeeting.Remove(meetingPath);
            throw;
        }
    }

    /// <summary>Asks for a checkpoint.</summary>
    /// <param name="request">Which.</param>
    /// <param name="snapshot">How the store will name it, so that another engine can tell whether it is there.</param>
    /// <returns>False if the tracer is gone; <see cref="Receive"/> says so too.</returns>
    public bool TryTake(CheckpointRequest request, SnapshotId snapshot) => _socket.TryWrite(FrameKind.Take, new TakeMessage(request, snapshot), MessageJson.Default.TakeMessage);

    /// <summary>The interval is durable.</summary>
    public bool TryCommitted(ulong interval) => TryWrite(FrameKind.Committed, interval);

    /// <summary>The interval and all later ones that aren't committed were not stored.</summary>
    public bool TryNotStored(ulong interval) => TryWrite(FrameKind.NotStored, interval);

    /// <summary>Asks it to detach and end; <see cref="Receive"/> returns once it has.</summary>
    public void Stop() => _socket.TryWrite(FrameKind.Stop, default);

    /// <summary>Breaks off without a word, as this process's death would: the tracer waits for the next engine, if it may. <see cref="Receive"/> returns.</summary>
    public void Leave()
    {
        _isLeft = true;
        _socket.HangUp();
    }

    /// <summary>Passes on everything that the tracer says, until it ends.</summary>
    /// <param name="events">Is told.</param>
    /// <param name="isAwaited">True while it owes us something: then, found stopped, it is ended. Null: always.</param>
    /// <returns>The bug that it reported as its end, or null.</returns>
    public SnapException? Receive(ITracerEvents events, Func<bool>? isAwaited = null)
    {
        while (TryRead(_socket, Pid, _child is not null || _adopted is not null ? Kill : null, isAwaited, out Frame frame))
        {
            ReadOnlySpan<byte> payload = frame.Payload.Span;
            switch (frame.Kind)
            {
                case FrameKind.Pages:
                    ReceivePages(payload, events);
                    break;
                case FrameKind.Zero:
                    SpaceRun zero = PageFrames.ReadRun(payload);
                    events.Zero(zero.Space, zero.Range);
                    break;
                case FrameKind.Drop:
                    SpaceRun dropped = PageFrames.ReadRun(payload);
                    events.Drop(dropped.Space, dropped.Range);
                    break;
                case FrameKind.Removed:
                    events.Removed(new SpaceId(BinaryPrimitives.ReadUInt32LittleEndian(payload)));
                    break;
                case FrameKind.Taken:
                    int length = BinaryPrimitives.ReadInt32LittleEndian(payload);
                    TakenMessage taken = MessageCodec.Read(payload.Slice(sizeof(int), length), MessageJson.Default.TakenMessage);
                    events.Taken(taken.Interval, taken.Summary, payload[(sizeof(int) + length)..]);
                    break;
                case FrameKind.NotTaken:
                    NotTakenMessage notTaken = frame.Read(MessageJson.Default.NotTakenMessage);
                    events.NotTaken(notTaken.Interval, notTaken.Error.ToException(), notTaken.TargetGone);
                    break;
                case FrameKind.Crashed:
                    return frame.Read(MessageJson.Default.ErrorMessage).ToException();
                default:
                    throw new InvalidOperationException($"unexpected message {frame.Kind}");
            }
        }

        return null;
    }

    /// <summary>Ends it at once (SIGKILL), whatever it is doing; the kernel and the cure in the target let the target go.</summary>
    public void Kill()
    {
        _child?.Signal(Kernel.Abi.Signal.SIGKILL);
        _adopted?.TrySignal(Kernel.Abi.Signal.SIGKILL);
    }

    /// <summary>How it ended, once <see cref="Receive"/> has returned; reaps it. Of one that another engine started nothing is known.</summary>
    public WaitStatus WaitForEnd() => _child?.Wait() ?? default;

    /// <summary>Closes the connection, and reaps it. Only when no thread is in <see cref="Receive"/> any more.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        _socket.Dispose();
        _memory.Dispose();
        if (_isLeft)
        {
            ReapLater(_child);
        }
        else
        {
            _child?.Wait();
            _adopted?.WaitForExit(-1);
            TracerMeeting.Remove(_meetingPath);
        }

        _adopted?.Dispose();
    }

    /// <summary>One that another engine started, and that has agreed to go on with us.</summary>
    internal static TracerProcess Adopted(ProcessHandle process, FrameSocket socket, MappedMemory memory, TrackerKind tracker, string meetingPath) =>
        new(null, process, socket, memory, tracker, meetingPath);

    /// <summary>The same over a loop that somebody else runs, on a thread of this process.</summary>
    internal static TracerProcess Over(FileDescriptor socket, FileDescriptor memfd, SharedLayout layout, AttachRequest request)
    {
        memfd.Truncate(layout.Length);
        var frames = new FrameSocket(socket);
        MappedMemory memory = MappedMemory.Shared(memfd, layout.Length);
        return new TracerProcess(null, null, frames, memory, Handshake(frames, new StartMessage(HelloMessage.CurrentProtocol, request, layout), null), null);
    }

    private static void ReapLater(ChildProcess? child)
    {
        if (child is not null)
            new Thread(() => child.Wait()) { Name = "snap-reaper", IsBackground = true }.Start();
    }

    private static ChildProcess StartChild(TracerLaunch launch, FileDescriptor socket, FileDescriptor memory, FileDescriptor? listening)
    {
        using FileDescriptor nothing = FileDescriptor.Open("/dev/null", Kernel.Abi.Fcntl.O_RDWR);
        var descriptors = new Dictionary<int, FileDescriptor> { [0] = nothing, [1] = nothing, [TracerHost.SocketNumber] = socket, [TracerHost.MemoryNumber] = memory };
        if (listening is not null)
            descriptors[TracerHost.ListeningNumber] = listening;
        try
        {
            return ChildProcess.Start(new SpawnOptions
            {
                Program = launch.Program[0],
                ProgramName = "snap",
                Arguments = [.. launch.Program.Skip(1)],
                Environment = launch.Environment,
                NewSession = true,
                // Standard error stays: what the runtime says when it dies belongs to the user.
                Descriptors = descriptors,
            });
        }
        catch (KernelException failed)
        {
            throw new SnapException(ErrorCatalogue.TracerNotStarted, "cannot start the tracer process", launch.Program[0], failed.Message,
                "see that the snap binary still exists and that a process limit isn't reached", failed);
        }
    }

    private static TrackerKind Handshake(FrameSocket socket, StartMessage start, ChildProcess? child)
    {
        if (!TryReadOf(socket, child, out Frame hello) || hello.Kind != FrameKind.Hello)
            throw Lost(child, "before it said a word");
        HelloMessage said = hello.Read(MessageJson.Default.HelloMessage);
        if (said.Protocol != HelloMessage.CurrentProtocol)
            throw new SnapException(ErrorCatalogue.TracerVersion, "tracer and engine are different versions of Snap",
                why: $"the tracer is {said.Version} (protocol {said.Protocol}), the engine {HelloMessage.OwnVersion} (protocol {HelloMessage.CurrentProtocol})",
                toDo: "the binary was replaced while it ran: start the command again");
        if (!socket.TryWrite(FrameKind.Start, start, MessageJson.Default.StartMessage) || !TryReadOf(socket, child, out Frame answer))
            throw Lost(child, "while it attached");
        return answer.Kind switch
        {
            FrameKind.Attached => answer.Read(MessageJson.Default.AttachedMessage).Tracker,
            FrameKind.Refused or FrameKind.Crashed => throw answer.Read(MessageJson.Default.ErrorMessage).ToException(),
            _ => throw new InvalidOperationException($"unexpected message {answer.Kind}"),
        };
    }

    // A tracer that somebody has stopped (SIGSTOP) may keep its target frozen, and whoever waits for it waiting. Its own timer frees the target in the
    // end, but is made for the longest pause that there is; and outside a pause nothing would ever happen.
    private static bool TryRead(FrameSocket socket, int pid, Action? kill, Func<bool>? isAwaited, out Frame frame)
    {
        const int silenceMs = 500;
        for (bool wasStopped = false; kill is not null && !socket.WaitForInput(silenceMs);)
        {
            bool isStopped = isAwaited?.Invoke() != false && TaskFiles.OfProcess(pid).ReadStat() is { State: 'T' };
            if (isStopped && wasStopped)
                kill();
            wasStopped = isStopped;
        }

        return socket.TryRead(out frame);
    }

    private static bool TryReadOf(FrameSocket socket, ChildProcess? child, out Frame frame) =>
        TryRead(socket, child?.Pid ?? 0, child is null ? null : () => child.Signal(Kernel.Abi.Signal.SIGKILL), null, out frame);

    private static SnapException Lost(ChildProcess? child, string when)
    {
        // The connection is closed, so it is about to end if it hasn't.
        return new SnapException(ErrorCatalogue.TracerLost, $"the tracer process ended {when}", $"pid {child?.Pid}", child?.Wait().ToString(),
            "the target is unharmed; see what it wrote to standard error, and try again");
    }

    private void ReceivePages(ReadOnlySpan<byte> payload, ITracerEvents events)
    {
        (ulong offset, ulong freesStream, ulong freesPause) = PageFrames.ReadHead(payload);
        for (int at = PageFrames.HeadLength; at < payload.Length; at += PageFrames.RunLength)
            SharedPages.Deliver(_memory, ref offset, PageFrames.ReadRun(payload[at..]), events);
        if (freesStream == 0 && freesPause == 0)
            return;
        if (freesStream != 0)
            Volatile.Write(ref SharedLayout.FreedStream(_memory), freesStream);
        if (freesPause != 0)
            Volatile.Write(ref SharedLayout.FreedPauses(_memory), freesPause);
        if (Interlocked.Exchange(ref SharedLayout.TracerWaits(_memory), 0) != 0)
            _socket.TryWrite(FrameKind.Wake, default);
    }

    private bool TryWrite(FrameKind kind, ulong interval)
    {
        Span<byte> payload = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(payload, interval);
        return _socket.TryWrite(kind, payload);
    }
}

using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Syscalls;

namespace Snap.Dumper.Host;

/// <summary>A tracer that an engine left behind, which waits for another: asked how far it is, then taken over, or told to let its target go.</summary>
public sealed class OrphanTracer : IDisposable
{
    private const int WordMs = 5000;
    private const string Mute = "it doesn't answer";

    private readonly string _path;
    private readonly FrameSocket _socket;
    private readonly ProcessHandle? _process;
    private bool _isAdopted;

    private OrphanTracer(string path, FrameSocket socket, ProcessHandle? process) => (_path, _socket, _process) = (path, socket, process);

    /// <summary>Its pid; 0 if it has just ended.</summary>
    public int Pid => _process?.Pid ?? 0;

    /// <summary>How far it is; null if it can't be taken over.</summary>
    public OrphanState? State { get; private set; }

    /// <summary>Why it can't be taken over; null if it can.</summary>
    public string? WhyNot { get; private set; }

    /// <summary>Asks the tracer that listens at a path.</summary>
    /// <returns>Null: nobody listens there any more, and the file is removed.</returns>
    public static OrphanTracer? Connect(string path)
    {
        SyscallResult done = UnixSocket.TryConnect(Path.GetDirectoryName(path)!, Path.GetFileName(path), out FileDescriptor? connected);
        if (connected is null)
        {
            if (done.Errno == Errno.ECONNREFUSED)
                TracerMeeting.Remove(path);
            return null;
        }

        (int pid, uint user) = UnixSocket.Peer(connected.Number);
        var socket = new FrameSocket(connected);
        if (user != OwnProcess.EffectiveUser || pid == 0)
        {
            socket.Dispose();
            return null;
        }

        var orphan = new OrphanTracer(path, socket, ProcessHandle.OpenOrGone(pid));
        orphan.Ask();
        return orphan;
    }

    /// <summary>Goes on with it.</summary>
    /// <param name="layout">Of the memory for pages, which is new.</param>
    /// <returns>Null: it has just ended, or its patience has. It tracks nothing any more then, once <see cref="LetGo"/> has returned.</returns>
    public TracerProcess? TryAdopt(SharedLayout layout)
    {
        using FileDescriptor memfd = FileDescriptor.CreateMemfd("snap-pages");
        memfd.Truncate(layout.Length);
        MappedMemory memory = MappedMemory.Shared(memfd, layout.Length);
        if (_process is not null && _socket.TryWrite(FrameKind.Adopt, new AdoptMessage(HelloMessage.CurrentProtocol, layout), MessageJson.Default.AdoptMessage)
            && _socket.TrySend(memfd) && TryRead(out Frame answer) && answer.Kind == FrameKind.Attached)
        {
            _isAdopted = true;
            return TracerProcess.Adopted(_process, _socket, memory, answer.Read(MessageJson.Default.AttachedMessage).Tracker, _path);
        }

        memory.Dispose();
        return null;
    }

    /// <summary>Tells it to let its target go, and waits until it has ended; one that doesn't hear is killed, and the kernel lets the target go.</summary>
    /// <param name="mayKill">False: one that doesn't hear is left alone. It may belong to an engine that has just come.</param>
    public void LetGo(bool mayKill = true)
    {
        if (_isAdopted || (!mayKill && State is null && WhyNot == Mute))
            return;
        _socket.TryWrite(FrameKind.Stop, default);
        if (_process is not null && !_process.WaitForExit(WordMs) && mayKill)
        {
            _process.TrySignal(Signal.SIGKILL);
            _process.WaitForExit(WordMs);
        }

        TracerMeeting.Remove(_path);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isAdopted)
            return;
        _socket.Dispose();
        _process?.Dispose();
    }

    private void Ask()
    {
        WhyNot = Mute;
        if (!TryRead(out Frame hello) || hello.Kind != FrameKind.Hello)
            return;
        HelloMessage said = hello.Read(MessageJson.Default.HelloMessage);
        if (said.Protocol != HelloMessage.CurrentProtocol)
        {
            WhyNot = $"it is of Snap {said.Version} (protocol {said.Protocol}), this is {HelloMessage.OwnVersion} (protocol {HelloMessage.CurrentProtocol})";
        }
        else if (TryRead(out Frame state) && state.Kind == FrameKind.Orphaned)
        {
            State = state.Read(MessageJson.Default.OrphanState);
            WhyNot = null;
        }
    }

    private bool TryRead(out Frame frame)
    {
        frame = default;
        return _socket.WaitForInput(WordMs) && _socket.TryRead(out frame);
    }
}

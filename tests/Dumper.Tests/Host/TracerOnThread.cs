using Snap.Dumper.Host;
using Snap.Kernel.Files;

namespace Snap.Dumper.Tests.Host;

/// <summary>The loop of a tracer process on a thread of ours, and the engine's end of it.</summary>
internal sealed class TracerOnThread : IDisposable
{
    private readonly Thread _thread;

    private TracerOnThread(Thread thread, TracerProcess engineEnd) => (_thread, EngineEnd) = (thread, engineEnd);

    public TracerProcess EngineEnd { get; }

    public static TracerOnThread Start(ITreeTracer tracer, SharedLayout layout) => Start(_ => tracer, layout, new AttachRequest { Pid = 4711 });

    public static TracerOnThread Start(Func<AttachRequest, ITreeTracer> attach, SharedLayout layout, AttachRequest request)
    {
        FileDescriptor memfd = FileDescriptor.CreateMemfd("test");
        (FileDescriptor ours, FileDescriptor theirs) = FileDescriptor.CreateSocketPair();
        var thread = new Thread(() =>
        {
            using (memfd)
            using (var socket = new FrameSocket(theirs))
                TracerHost.Run(socket, memfd, attach);
        });
        thread.Start();
        try
        {
            return new TracerOnThread(thread, TracerProcess.Over(ours, memfd, layout, request));
        }
        catch
        {
            ours.Dispose();
            thread.Join();
            throw;
        }
    }

    /// <summary>Closes the engine's end without a word, as its death would.</summary>
    public void BreakOff()
    {
        EngineEnd.Dispose();
        _thread.Join();
    }

    public void Dispose()
    {
        EngineEnd.Stop();
        _thread.Join();
        EngineEnd.Dispose();
    }
}

using Snap.Dumper.Host;
using Snap.Image;

namespace Snap.Dumper.Tests.Host;

/// <summary>A tracer without a target: each Take runs what the test wrote, then gives a small image.</summary>
internal sealed class ScriptedTracer(Action<CheckpointRequest, IPageSink> take) : ITreeTracer
{
    public TrackerKind Tracker => TrackerKind.WriteProtect;

    public bool HasStuckThreads => StuckRounds > 0;

    public int StuckRounds { get; set; }

    public void ReleaseStuckThreads() => StuckRounds--;

    public bool TargetGone { get; set; }

    public List<ulong> CommittedIntervals { get; } = [];

    public List<ulong> FailedIntervals { get; } = [];

    public bool IsDisposed { get; private set; }

    public CheckpointResult Take(CheckpointRequest request, IPageSink sink)
    {
        take(request, sink);
        return new CheckpointResult
        {
            Image = TestImages.Small(),
            IsFull = request.Interval == 1,
            Pause = TimeSpan.FromMicroseconds(123.5),
            Time = DateTimeOffset.UnixEpoch,
            PagesDirty = 1,
            PagesCopied = 2,
            PagesCopiedInPause = 1,
            LivePasses = 1,
            Freezes = 1,
        };
    }

    public void Committed(ulong interval) => CommittedIntervals.Add(interval);

    public void Failed(ulong interval) => FailedIntervals.Add(interval);

    public void Dispose() => IsDisposed = true;
}

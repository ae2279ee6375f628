using Snap.Image;

namespace Snap.Dumper.Host;

/// <summary>One process tree under observation, as the loop of a tracer process drives it; every call comes from one thread.</summary>
public interface ITreeTracer : IDisposable
{
    /// <summary>Which tracker finds the dirty pages now.</summary>
    TrackerKind Tracker { get; }

    /// <summary>The target has ended; nothing more can be taken.</summary>
    bool TargetGone { get; }

    /// <summary>Takes a checkpoint: pages into the sink, the rest as the result.</summary>
    /// <exception cref="SnapException">It could not be taken. The target is as it was, and the tracking state still valid.</exception>
    CheckpointResult Take(CheckpointRequest request, IPageSink sink);

    /// <summary>True if a thread that didn't stop in time has still to be let go.</summary>
    bool HasStuckThreads { get; }

    /// <summary>Lets go what has stopped by now; to be called every few milliseconds while there is something stuck. Waits for nothing.</summary>
    void ReleaseStuckThreads();

    /// <summary>The interval is durable.</summary>
    void Committed(ulong interval);

    /// <summary>The interval was not stored, nor will any later one that isn't committed yet: their pages stay dirty for the next Take.</summary>
    void Failed(ulong interval);
}

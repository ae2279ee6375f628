using Snap.Dumper.Host;
using Snap.Image;
using Snap.Kernel.Processes;
using Snap.Store;

namespace Snap.Engine;

/// <summary>How an engine works.</summary>
public sealed record EngineOptions
{
    /// <summary>How tracer processes are started.</summary>
    public TracerLaunch Tracer { get; init; } = TracerLaunch.Own;

    /// <summary>How the store is opened.</summary>
    public StoreOptions Store { get; init; } = new();

    /// <summary>Checkpoints of one session that may be under way: one being taken while the one before it is encoded.</summary>
    public int MaxPending { get; init; } = 2;

    /// <summary>How long a tracer waits for the next engine of the store if this one ends without a word; zero: it lets its target go at once.</summary>
    public TimeSpan TracerPatience { get; init; }

    /// <summary>The tracker to use; null for the first of the ladder that works.</summary>
    public TrackerKind? ForcedTracker { get; init; }

    /// <summary>Refuse a directory without a store, instead of making one.</summary>
    public bool MustExist { get; init; }

    /// <summary>Starts a tracer; replaced by tests that have no target.</summary>
    internal Func<AttachRequest, TracerProcess>? StartTracer { get; init; }

    /// <summary>Called where the engine passes a fault point; tests throw from it.</summary>
    internal Action<FaultPoint> OnPass { get; init; } = _ => { };
}

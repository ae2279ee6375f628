using Snap.Image;

namespace Snap.Dumper.Host;

/// <summary>Who is told what a tracer process says: pages, and how each interval ended. None of these may throw.</summary>
public interface ITracerEvents : IPageReceiver
{
    /// <summary>The interval was taken, its pages are complete.</summary>
    /// <param name="interval">Which.</param>
    /// <param name="summary">About it.</param>
    /// <param name="image">The encoded image; valid during the call only.</param>
    void Taken(ulong interval, CheckpointSummary summary, ReadOnlySpan<byte> image);

    /// <summary>The interval was not taken; pages that were said of it mean nothing.</summary>
    void NotTaken(ulong interval, SnapException reason, bool targetGone);
}

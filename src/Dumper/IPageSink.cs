using Snap.Image;
using Snap.Kernel.Memory;

namespace Snap.Dumper;

/// <summary>Where a tracer puts the pages it copies: memory shared with whoever stores them, and messages that say what lies in it.</summary>
/// <remarks>
/// Two areas, so that a pause never waits for a reader. The stream area is a ring for pages copied while the target runs, and taking room
/// in it may block. The pause area is touched beforehand and holds what is copied while the target stands still.
/// Order matters: what is published later about a page overrides what was published earlier in the same interval.
/// </remarks>
public interface IPageSink
{
    /// <summary>The memory both areas lie in.</summary>
    MappedMemory Memory { get; }

    /// <summary>Nobody reads any more: what is published goes nowhere, and <see cref="AcquireStream"/> throws. To be looked at where an interval may break off.</summary>
    bool IsReaderGone => false;

    /// <summary>Takes <paramref name="length"/> contiguous bytes of the stream area, waiting until the reader has freed them. Never called in a pause.</summary>
    /// <returns>Offset in <see cref="Memory"/>.</returns>
    ulong AcquireStream(int length);

    /// <summary>Publishes pages in room got from <see cref="AcquireStream"/>; <paramref name="runs"/> lie there one after the other.</summary>
    /// <param name="offset">As acquired.</param>
    /// <param name="acquired">Bytes acquired there; what the runs don't fill is freed.</param>
    /// <param name="runs">What the bytes are; none gives the room back.</param>
    void PublishStream(ulong offset, int acquired, ReadOnlySpan<SpaceRun> runs);

    /// <summary>The pause area of the coming pause: offset and length in <see cref="Memory"/>, every page of it touched. Waits until it is free. Never called in a pause.</summary>
    (ulong Offset, ulong Length) AcquirePause(ulong wantedLength);

    /// <summary>Publishes what was copied into the pause area, after the thaw; <paramref name="runs"/> lie there one after the other from its start.</summary>
    void PublishPause(ReadOnlySpan<SpaceRun> runs);

    /// <summary>The pages are all zero.</summary>
    void PublishZero(SpaceId space, PageRange range);

    /// <summary>The pages are absent: holes of anonymous memory, the file's own content in a file mapping.</summary>
    void PublishDrop(SpaceId space, PageRange range);

    /// <summary>The space exists no more.</summary>
    void PublishRemoved(SpaceId space);
}

/// <summary>A run of pages of one space.</summary>
/// <param name="Space">The space.</param>
/// <param name="Range">The pages.</param>
public readonly record struct SpaceRun(SpaceId Space, PageRange Range);

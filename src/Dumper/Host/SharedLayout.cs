using Snap.Image;
using Snap.Kernel.Memory;

namespace Snap.Dumper.Host;

/// <summary>How the memory shared by tracer and engine is divided.</summary>
/// <remarks>
/// Page 0: counters, each in a cache line of its own: at 0 the bytes of the stream ring that the engine has freed since the start (u64), at 64
/// the pause areas that it has freed (u64), at 128 whether the tracer waits for one of them (u32). Then the stream ring, then the pause area.
/// The memfd is as long as all this and sparse: what is never touched takes no memory.
/// </remarks>
/// <param name="StreamLength">Bytes of the stream ring.</param>
/// <param name="PauseCapacity">Most bytes that the pause area can grow to.</param>
/// <param name="PauseKept">Bytes of the pause area that stay allocated between checkpoints once they were used.</param>
public sealed record SharedLayout(ulong StreamLength, ulong PauseCapacity, ulong PauseKept)
{
    private const ulong Header = PageRange.PageSize;

    /// <summary>64 MiB and 32 MiB; the pause area may grow to three quarters of the machine's memory.</summary>
    public static SharedLayout Default { get; } = new(64UL << 20, PauseLimit(), 32UL << 20);

    /// <summary>Bytes of the whole.</summary>
    public ulong Length => Header + StreamLength + PauseCapacity;

    /// <summary>Where the ring begins.</summary>
    internal ulong Stream => Header;

    /// <summary>Where the pause area begins.</summary>
    internal ulong Pause => Header + StreamLength;

    internal static ref ulong FreedStream(MappedMemory memory) => ref memory.At<ulong>(0);

    internal static ref ulong FreedPauses(MappedMemory memory) => ref memory.At<ulong>(64);

    internal static ref uint TracerWaits(MappedMemory memory) => ref memory.At<uint>(128);

    private static ulong PauseLimit() =>
        Math.Max(32UL << 20, (ulong)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3 / PageRange.PageSize * PageRange.PageSize);
}

namespace Snap.Dumper;

/// <summary>What a checkpoint is asked to be.</summary>
public sealed record CheckpointRequest
{
    /// <summary>Number of this interval, rising; named again when its fate is known.</summary>
    public required ulong Interval { get; init; }

    /// <summary>Memory that is to be in no snapshot, each a <see cref="MemoryPattern"/>.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>How long stopping all threads may take before everything is thawed again, at the first try; twice as long at the second, and so on.</summary>
    public TimeSpan FreezeDeadline { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a freeze should last at most; null: as short as it gets. It is tried for by another live pass and freeze, and told where it was missed.</summary>
    public TimeSpan? PauseGoal { get; init; }

    /// <summary>How long a pause may last before the watchdog ends the tracer, besides the time that copying takes on a slow machine.</summary>
    public TimeSpan PauseLimit { get; init; } = TimeSpan.FromSeconds(10);
}

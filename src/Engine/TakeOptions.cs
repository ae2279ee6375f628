namespace Snap.Engine;

/// <summary>Of what a snapshot is taken, and how.</summary>
public sealed record TakeOptions
{
    /// <summary>Root of the tree.</summary>
    public required int Pid { get; init; }

    /// <summary>The chain; null as <see cref="SnapEngine.Track"/> chooses.</summary>
    public string? Name { get; init; }

    /// <summary>Whether the commit waits for the disk; null: as the store was opened.</summary>
    public Store.Durability? Durability { get; init; }

    /// <summary>Memory that is to be in no snapshot, each a <see cref="Dumper.MemoryPattern"/>.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>How long the target should stand still at most; null: as short as it gets.</summary>
    public TimeSpan? MaxPause { get; init; }
}

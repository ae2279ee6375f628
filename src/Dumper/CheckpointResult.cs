using Snap.Image;

namespace Snap.Dumper;

/// <summary>What a checkpoint gave, besides the pages in the sink.</summary>
public sealed record CheckpointResult
{
    /// <summary>Everything but the pages.</summary>
    public required SnapshotImage Image { get; init; }

    /// <summary>True if every present page was given, false if only those that changed since the last committed interval.</summary>
    public required bool IsFull { get; init; }

    /// <summary>First thread stopped to last thread resumed; the sum if it took several freezes.</summary>
    public required TimeSpan Pause { get; init; }

    /// <summary>When the last freeze began, by the wall clock.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Pages found dirty.</summary>
    public required ulong PagesDirty { get; init; }

    /// <summary>Pages copied, live passes and pause together (a page copied twice counts twice).</summary>
    public required ulong PagesCopied { get; init; }

    /// <summary>Pages copied inside the pause.</summary>
    public required ulong PagesCopiedInPause { get; init; }

    /// <summary>Live passes made.</summary>
    public required int LivePasses { get; init; }

    /// <summary>Freezes it took; more than one if the first found too much to copy.</summary>
    public required int Freezes { get; init; }

    /// <summary>Fallbacks and exceptions to tell the user, one sentence each.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
}

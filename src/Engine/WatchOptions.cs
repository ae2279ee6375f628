namespace Snap.Engine;

/// <summary>How a process is watched.</summary>
public sealed record WatchOptions
{
    /// <summary>Time from one checkpoint to the next. Ticks are counted from the start, so that they don't drift.</summary>
    public required TimeSpan Every { get; init; }

    /// <summary>End after this many snapshots; null for no limit.</summary>
    public long? Count { get; init; }

    /// <summary>End after this time; null for no limit.</summary>
    public TimeSpan? For { get; init; }

    /// <summary>The chain; null as <see cref="SnapEngine.Track"/> chooses.</summary>
    public string? Name { get; init; }

    /// <summary>Whether commits wait for the disk; null: as the store was opened.</summary>
    public Store.Durability? Durability { get; init; }

    /// <summary>As <see cref="TakeOptions.Exclude"/>.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>How long the target should stand still at most; null: as short as it gets.</summary>
    public TimeSpan? MaxPause { get; init; }

    /// <summary>Try again also if the target can't be captured at the very beginning (a program that is just starting); else that is thrown.</summary>
    public bool RetryFromTheStart { get; init; }

    /// <summary>Rules by which older snapshots of the name are deleted as the watch goes on; null: all are kept.</summary>
    public Store.RetentionPolicy? Keep { get; init; }

    /// <summary>Called when deleting failed, on a thread of its own; it is tried again.</summary>
    public Action<Image.SnapException> OnKeepFailure { get; init; } = _ => { };

    /// <summary>Bring the target back from its last snapshot when it fails; null: the watch ends with it.</summary>
    public Rescue.RescueOptions? OnExit { get; init; }

    /// <summary>Called when that was done, on the loop's thread.</summary>
    public Action<Rescue.RescuedTarget> OnRescued { get; init; } = _ => { };

    /// <summary>A command for sh, run once for each time that the target can't be captured for a while; null for none.</summary>
    public string? OnGap { get; init; }

    /// <summary>Called when that command failed, on a thread of its own.</summary>
    public Action<Image.SnapException> OnGapFailure { get; init; } = _ => { };

    /// <summary>Called about once a second, and at the end, on the loop's thread.</summary>
    public Action<WatchStatus> OnStatus { get; init; } = _ => { };

    /// <summary>Called for each snapshot, in order, on the loop's thread.</summary>
    public Action<Store.SnapshotInfo> OnSnapshot { get; init; } = _ => { };

    /// <summary>How long to wait after a failure. An attempt costs the target a look at all its state, or a pause: not ten times a second.</summary>
    internal TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Least time from one collection to the next.</summary>
    internal TimeSpan KeepPeriod { get; init; } = TimeSpan.FromSeconds(3);
}

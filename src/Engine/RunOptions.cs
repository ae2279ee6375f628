using Snap.Engine.Rescue;

namespace Snap.Engine;

/// <summary>How a command is run under checkpoints.</summary>
public sealed record RunOptions
{
    /// <summary>The program and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Time from one checkpoint to the next; null: none are taken.</summary>
    public required TimeSpan? Every { get; init; }

    /// <summary>The chain; null for the command's name.</summary>
    public string? Name { get; init; }

    /// <summary>As <see cref="WatchOptions.Durability"/>.</summary>
    public Store.Durability? Durability { get; init; }

    /// <summary>As <see cref="TakeOptions.Exclude"/>.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>As <see cref="WatchOptions.MaxPause"/>.</summary>
    public TimeSpan? MaxPause { get; init; }

    /// <summary>As <see cref="WatchOptions.Keep"/>.</summary>
    public Store.RetentionPolicy? Keep { get; init; }

    /// <summary>As <see cref="WatchOptions.OnKeepFailure"/>.</summary>
    public Action<Image.SnapException> OnKeepFailure { get; init; } = _ => { };

    /// <summary>Bring the command back from its last snapshot when it fails; null: its end is the end of the run.</summary>
    public RescueOptions? OnExit { get; init; }

    /// <summary>The store's directory, for that.</summary>
    public string StoreDirectory { get; init; } = "";

    /// <summary>Called when that was done.</summary>
    public Action<RescuedTarget> OnRescued { get; init; } = _ => { };

    /// <summary>Called when it failed, or was given up.</summary>
    public Action<Image.SnapException> OnRescueFailure { get; init; } = _ => { };

    /// <summary>As <see cref="WatchOptions.OnGap"/>.</summary>
    public string? OnGap { get; init; }

    /// <summary>As <see cref="WatchOptions.OnGapFailure"/>.</summary>
    public Action<Image.SnapException> OnGapFailure { get; init; } = _ => { };

    /// <summary>As <see cref="WatchOptions.OnStatus"/>; on a thread of the watch.</summary>
    public Action<WatchStatus> OnStatus { get; init; } = _ => { };

    /// <summary>As <see cref="WatchOptions.OnSnapshot"/>; on a thread of the watch.</summary>
    public Action<Store.SnapshotInfo> OnSnapshot { get; init; } = _ => { };
}

/// <summary>How a run ended.</summary>
/// <param name="Pid">The command's pid.</param>
/// <param name="Exit">How the command ended.</param>
/// <param name="Watch">What the checkpoints came to; null if none were asked for.</param>
/// <param name="WatchFailure">What ended the watch before the command ended.</param>
public sealed record RunResult(int Pid, Kernel.Processes.WaitStatus Exit, WatchStatus? Watch, Image.SnapException? WatchFailure);

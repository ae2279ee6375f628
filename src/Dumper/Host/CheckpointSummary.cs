using Snap.Image;

namespace Snap.Dumper.Host;

/// <summary>A <see cref="CheckpointResult"/> without its image, and of the image what the engine needs without decoding it.</summary>
public sealed record CheckpointSummary
{
    /// <summary>Every present page was given.</summary>
    public required bool IsFull { get; init; }
    /// <summary>First thread stopped to last thread resumed.</summary>
    public required long PauseMicroseconds { get; init; }
    /// <summary>When the last freeze began.</summary>
    public required DateTimeOffset Time { get; init; }
    /// <summary>Pages found dirty.</summary>
    public required ulong PagesDirty { get; init; }
    /// <summary>Pages copied in all.</summary>
    public required ulong PagesCopied { get; init; }
    /// <summary>Pages copied inside the pause.</summary>
    public required ulong PagesCopiedInPause { get; init; }
    /// <summary>Live passes made.</summary>
    public required int LivePasses { get; init; }
    /// <summary>Freezes it took.</summary>
    public required int Freezes { get; init; }
    /// <summary>Of the checkpoint and of its image.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
    /// <summary>Root of the tree.</summary>
    public required int Pid { get; init; }
    /// <summary>Start time of the root in clock ticks since boot.</summary>
    public required ulong StartTime { get; init; }
    /// <summary>Processes in the image.</summary>
    public required int Processes { get; init; }
    /// <summary>Threads of them all.</summary>
    public required int Threads { get; init; }
    /// <summary>Command line of the root, at most 256 characters.</summary>
    public required string Command { get; init; }
    /// <summary>uname nodename.</summary>
    public required string Host { get; init; }
    /// <summary>boot_id.</summary>
    public required string BootId { get; init; }
    /// <summary>Which tracker found the dirty pages.</summary>
    public required TrackerKind Tracker { get; init; }
    /// <summary>Every space of the image.</summary>
    public required IReadOnlyList<SpaceId> Spaces { get; init; }

    /// <summary>Sums up a result.</summary>
    public static CheckpointSummary Of(CheckpointResult result)
    {
        SnapshotImage image = result.Image;
        ProcessImage root = image.Processes[0];
        string command = string.Join(' ', root.CommandLine);
        return new CheckpointSummary
        {
            IsFull = result.IsFull,
            PauseMicroseconds = (long)Math.Ceiling(result.Pause.TotalMicroseconds),
            Time = result.Time,
            PagesDirty = result.PagesDirty,
            PagesCopied = result.PagesCopied,
            PagesCopiedInPause = result.PagesCopiedInPause,
            LivePasses = result.LivePasses,
            Freezes = result.Freezes,
            Notices = [.. result.Notices, .. image.Notices],
            Pid = root.Pid,
            StartTime = root.StartTime,
            Processes = image.Processes.Count,
            Threads = image.Processes.Sum(process => process.Threads.Count),
            Command = command.Length <= 256 ? command : command[..256],
            Host = image.Host.HostName,
            BootId = image.Host.BootId,
            Tracker = image.Tracker,
            Spaces = [.. image.Spaces.Select(space => space.Id)],
        };
    }
}

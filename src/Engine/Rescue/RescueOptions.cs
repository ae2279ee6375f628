using Snap.Restorer;

namespace Snap.Engine.Rescue;

/// <summary>How a target that ended is brought back from its last snapshot.</summary>
public sealed record RescueOptions
{
    /// <summary>What to do when files that it had open have changed since the snapshot.</summary>
    public FilesPolicy Files { get; init; } = FilesPolicy.Fail;

    /// <summary>Attempts in a row, until one runs well for a minute; then it is given up.</summary>
    public int Limit { get; init; } = DefaultLimit;

    /// <summary>The limit where nothing else is said.</summary>
    public const int DefaultLimit = 5;

    /// <summary>Time before the first attempt; each next one waits twice as long.</summary>
    internal TimeSpan FirstDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait.</summary>
    internal TimeSpan LongestDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Who ran so long has recovered: the next end is a new one.</summary>
    internal TimeSpan GoodRun { get; init; } = TimeSpan.FromMinutes(1);
}

using System.Diagnostics;
using System.Globalization;

namespace Snap.Dumper;

/// <summary>How long a freeze should last at most, if the user said so: whether another live pass would help, and whether it was missed.</summary>
internal sealed class PauseGoal
{
    /// <summary>Less than this is copied at once: letting go and stopping again costs as much.</summary>
    private const ulong Little = 256 << 10;

    private TimeSpan? _goal;
    private TimeSpan _pausedBefore;
    private long _begun;
    private ulong _leftBefore;
    private long _countedAt;
    private double _bytesASecond = 2e9;

    /// <summary>A checkpoint begins.</summary>
    public void Set(TimeSpan? goal) => (_goal, _leftBefore) = (goal, ulong.MaxValue);

    /// <summary>A freeze begins.</summary>
    /// <param name="paused">By the freezes of this checkpoint before it.</param>
    public void Begin(TimeSpan paused) => (_pausedBefore, _begun) = (paused, Stopwatch.GetTimestamp());

    /// <summary>What is left to copy is known; copying begins now, if at all.</summary>
    public void Counted() => _countedAt = Stopwatch.GetTimestamp();

    /// <summary>True if copying would take longer than there is time left, and the next freeze is likely to have less to copy.</summary>
    /// <param name="bytes">Left to copy.</param>
    public bool IsBetterLater(ulong bytes)
    {
        if (_goal is not { } goal || bytes < Little)
            return false;
        TimeSpan spent = Stopwatch.GetElapsedTime(_begun, _countedAt);
        // A goal that is missed anyway, or a program that writes as fast as it is copied, gains nothing by one more freeze.
        bool isLess = bytes <= _leftBefore / 4 * 3;
        _leftBefore = bytes;
        return spent < goal && isLess && spent + TimeSpan.FromSeconds(bytes / _bytesASecond) > goal;
    }

    /// <summary>Bytes a second, by the copies so far.</summary>
    internal double Speed => _bytesASecond;

    /// <summary>All was copied: how fast that goes is remembered.</summary>
    public void Copied(ulong bytes)
    {
        double seconds = Stopwatch.GetElapsedTime(_countedAt).TotalSeconds;
        if (bytes >= Little && seconds > 0)
            _bytesASecond = (_bytesASecond + (bytes / seconds)) / 2;
    }

    /// <summary>What to tell the user of the last freeze, if it was longer than the goal.</summary>
    /// <param name="paused">By all freezes of this checkpoint.</param>
    public string? NoticeIfMissed(TimeSpan paused) => _goal is { } goal && paused - _pausedBefore > goal
        ? string.Create(CultureInfo.InvariantCulture, $"the pause was longer than the {goal.TotalMilliseconds:0.###} ms that were asked for") : null;
}

// Invariants.
// Must: an engine doesn't end while a request is at work, or a process is tracked, unless it was told to.
// Must: once it is ending, no request begins: its client is sent to the next engine.
using System.Globalization;

namespace Snap.Engine.Server;

/// <summary>Knows when an engine has nothing left to do, and ends it some time later.</summary>
internal sealed class EngineLife : IDisposable
{
    /// <summary>The reason for an end that leaves what is tracked to the next engine.</summary>
    public const string HandOver = "another engine takes over";

    /// <summary>The reason for an end by a signal.</summary>
    public const string Signal = "a signal";

    /// <summary>An engine that never tracked anything, such as one that only collected garbage, ends soon.</summary>
    private static readonly TimeSpan _lingerUnused = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan _longestPeriod = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<string> _ending = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<int> _countTracked;
    private readonly Func<string?> _everyPeriod;
    private readonly Timer _timer;
    private int _requests;
    private bool _isEnding, _hasTracked, _wasAsked;
    private DateTimeOffset? _idleSince = DateTimeOffset.UtcNow;

    /// <summary>Begins to look.</summary>
    /// <param name="linger">Time from the last use to the end.</param>
    /// <param name="countTracked">Processes tracked and watches under way.</param>
    /// <param name="everyPeriod">Called before each look; may say why the engine has to end.</param>
    public EngineLife(TimeSpan linger, Func<int> countTracked, Func<string?> everyPeriod)
    {
        (Linger, _countTracked, _everyPeriod) = (linger, countTracked, everyPeriod);
        TimeSpan period = TimeSpan.FromMilliseconds(Math.Clamp(linger.TotalMilliseconds / 4, 10, _longestPeriod.TotalMilliseconds));
        _timer = new Timer(_ => Look(), null, period, period);
    }

    /// <summary>Time from the last use to the end.</summary>
    public TimeSpan Linger { get; }

    /// <summary>Ends, with the reason, when the engine has to.</summary>
    public Task<string> Ending => _ending.Task;

    /// <summary>Whoever started it is about to ask: that is waited for, however short the time is else.</summary>
    private TimeSpan Limit => !_wasAsked ? _lingerUnused : _hasTracked || Linger < _lingerUnused ? Linger : _lingerUnused;

    /// <summary>A request begins.</summary>
    /// <returns>False if the engine is ending.</returns>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (_isEnding)
                return false;
            _requests++;
            _wasAsked = true;
            _idleSince = null;
            return true;
        }
    }

    /// <summary>A request ended.</summary>
    public void Leave()
    {
        lock (_gate)
            _requests--;
    }

    /// <summary>Ends the engine.</summary>
    public void End(string reason)
    {
        lock (_gate)
            _isEnding = true;
        _ending.TrySetResult(reason);
    }

    /// <summary>Ends it if there is no request but the caller's, and <paramref name="hasWork"/> says no.</summary>
    public bool TryEnd(string reason, Func<bool> hasWork)
    {
        lock (_gate)
        {
            if (_requests > 1 || hasWork())
                return false;
            _isEnding = true;
        }

        _ending.TrySetResult(reason);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        if (_everyPeriod() is { } reason)
            End(reason);
        lock (_gate)
        {
            int tracked = _countTracked();
            _hasTracked |= tracked > 0;
            if (_requests > 0 || tracked > 0)
            {
                _idleSince = null;
                return;
            }

            _idleSince ??= DateTimeOffset.UtcNow;
            if (DateTimeOffset.UtcNow - _idleSince < Limit)
                return;
            _isEnding = true;
        }

        _ending.TrySetResult(string.Create(CultureInfo.InvariantCulture, $"nothing to do for {Limit.TotalSeconds:0.#} s"));
    }
}

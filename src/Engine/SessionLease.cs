namespace Snap.Engine;

/// <summary>A use of a session, which others may use at the same time. Disposed, it lets the target go unless others go on.</summary>
public sealed class SessionLease : IDisposable
{
    private readonly SnapEngine _engine;
    private int _isDisposed;

    internal SessionLease(SnapEngine engine, TargetSession session) => (_engine, Session) = (engine, session);

    /// <summary>The session.</summary>
    public TargetSession Session { get; }

    /// <summary>Whether the target stays tracked after the last use, for the next one's sake, as long as <see cref="SnapEngine.ReleaseIdle"/> lets it.</summary>
    public bool StaysTracked { get; set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            _engine.Return(Session, StaysTracked);
    }
}

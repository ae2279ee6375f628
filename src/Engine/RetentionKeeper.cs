// Collections of one name beside its watch, on a thread of their own: builders go on meanwhile, and a pause of the target is never longer for it.
using System.Diagnostics;
using Snap.Image;
using Snap.Store;

namespace Snap.Engine;

/// <summary>Applies retention rules to a name as its snapshots come.</summary>
internal sealed class RetentionKeeper : IDisposable
{
    /// <summary>Collections take at most this share of the time.</summary>
    private const int RestFactor = 10;

    private readonly SnapEngine _engine;
    private readonly string _name;
    private readonly TimeSpan _period;
    private readonly Action<SnapException> _onFailure;
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private volatile bool _isEnding;
    private int _news;

    /// <summary>Stores the rules for the name, and begins.</summary>
    /// <param name="engine">The store's owner.</param>
    /// <param name="name">The name.</param>
    /// <param name="policy">Its rules, kept in the store.</param>
    /// <param name="period">Least time from one collection to the next.</param>
    /// <param name="onFailure">Called on the keeper's thread when a collection fails; the next one tries again.</param>
    public RetentionKeeper(SnapEngine engine, string name, RetentionPolicy policy, TimeSpan period, Action<SnapException> onFailure)
    {
        (_engine, _name, _period, _onFailure) = (engine, name, period, onFailure);
        engine.SetPolicy(name, policy);
        _thread = new Thread(Run) { Name = "snap-keep", IsBackground = true };
        _thread.Start();
    }

    /// <summary>A snapshot was stored.</summary>
    public void Note()
    {
        Interlocked.Increment(ref _news);
        _wake.Set();
    }

    /// <summary>Ends after a last collection.</summary>
    public void Dispose()
    {
        _isEnding = true;
        _wake.Set();
        _thread.Join();
        _wake.Dispose();
    }

    private void Run()
    {
        TimeSpan rest = TimeSpan.Zero;
        var since = Stopwatch.StartNew();
        while (true)
        {
            bool isLast = _isEnding;
            if (Volatile.Read(ref _news) > 0 && (isLast || since.Elapsed >= rest))
            {
                Interlocked.Exchange(ref _news, 0);
                long begun = Stopwatch.GetTimestamp();
                Collect();
                TimeSpan took = Stopwatch.GetElapsedTime(begun);
                rest = took * RestFactor > _period ? took * RestFactor : _period;
                since.Restart();
            }
            if (isLast)
                return;
            TimeSpan wait = Volatile.Read(ref _news) > 0 && rest > since.Elapsed ? rest - since.Elapsed : Timeout.InfiniteTimeSpan;
            _wake.WaitOne(wait);
        }
    }

    private void Collect()
    {
        try
        {
            GarbageReport report = _engine.Collect(new GarbageOptions { Name = _name });
            foreach (string problem in report.Problems)
                _onFailure(new SnapException(ErrorCatalogue.StoreDamaged, "a collection could not free everything", why: problem, toDo: "run snap verify"));
        }
        catch (SnapException failure)
        {
            _onFailure(failure);
        }
    }
}

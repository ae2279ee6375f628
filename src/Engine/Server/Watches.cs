using Snap.Engine.Api;

namespace Snap.Engine.Server;

/// <summary>The watches of an engine, those at work and the last that ended.</summary>
internal sealed class Watches(IEngine engine, EngineLog log)
{
    private const int EndedKept = 16;

    private readonly Lock _gate = new();
    private readonly List<EngineWatch> _active = [];
    private readonly Queue<EngineWatch> _ended = [];
    private long _number;

    /// <summary>Watches at work.</summary>
    public IReadOnlyList<EngineWatch> Active
    {
        get
        {
            lock (_gate)
                return [.. _active];
        }
    }

    /// <summary>The last ones that ended.</summary>
    public IReadOnlyList<EngineWatch> Ended
    {
        get
        {
            lock (_gate)
                return [.. _ended];
        }
    }

    /// <summary>Begins one.</summary>
    /// <param name="request">What to watch.</param>
    /// <param name="tell">Called on the watch's thread, in order; the first event is the watch's number.</param>
    public EngineWatch Begin(WatchRequest request, Action<WatchEvent> tell)
    {
        EngineWatch watch;
        lock (_gate)
            _active.Add(watch = new EngineWatch(++_number, request, said =>
            {
                if (said.Rescued is { } rescued)
                    log.Write($"pid {request.Pid}: {rescued.ToTarget()}");
                tell(said);
            }));
        tell(new WatchEvent { Watch = watch.Number });
        log.Write($"watch {watch.Number}: pid {request.Pid} ({watch.Command}) every {request.EveryMilliseconds} ms{(request.Detach ? ", detached" : "")}");
        var thread = new Thread(() =>
        {
            watch.Run(engine);
            lock (_gate)
            {
                _active.Remove(watch);
                _ended.Enqueue(watch);
                if (_ended.Count > EndedKept)
                    _ended.Dequeue();
            }

            log.Write($"watch {watch.Number}: ended after {watch.Describe(null).Snapshots} snapshots: {watch.End}");
        }) { Name = "snap-watch", IsBackground = true };
        thread.Start();
        return watch;
    }

    /// <summary>Ends all, and waits for them.</summary>
    public void EndAll()
    {
        IReadOnlyList<EngineWatch> all = Active;
        foreach (EngineWatch watch in all)
            watch.Stop();
        Task.WaitAll([.. all.Select(watch => watch.Over)], TimeSpan.FromSeconds(10));
    }
}

using Snap.Engine.Api;
using Snap.Image;

namespace Snap.Engine.Server;

/// <summary>The watches of an engine, those at work and the last that ended.</summary>
internal sealed class Watches(IEngine engine, EngineLog log, WatchRecords records)
{
    private const int EndedKept = 16;

    private readonly Lock _gate = new();
    private readonly List<EngineWatch> _active = [];
    private readonly Queue<EngineWatch> _ended = [];
    private long _number;
    private bool _isLeaving;

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
    /// <exception cref="SnapException">S0508: one that is to outlive its command, and its engine, can't be noted.</exception>
    public EngineWatch Begin(WatchRequest request, Action<WatchEvent> tell) => Begin(request, tell, null);

    /// <summary>Goes on with those that an engine before this one left.</summary>
    public void Resume(Action<WatchEvent> tell)
    {
        foreach (WatchRecord record in records.ReadAll(log.Write))
        {
            if (record.Target.IsAlive)
            {
                Begin(record.Request, tell, record);
                continue;
            }

            log.Write($"watch {record.Number}: pid {record.Request.Pid} ended while no engine watched it, and how isn't known; the watch is over");
            records.Remove(record.Number);
        }
    }

    private EngineWatch Begin(WatchRequest request, Action<WatchEvent> tell, WatchRecord? resumed)
    {
        EngineWatch? watch = null;
        WatchRecord? record = resumed;
        lock (_gate)
        {
            _number = resumed is null ? _number + 1 : Math.Max(_number, resumed.Number);
            watch = new EngineWatch(resumed?.Number ?? _number, request, Hear, resumed);
            if (record is null && request.Detach && TargetIdentity.OfOrGone(request.Pid) is { } target)
                records.Write(record = new WatchRecord(Protocol.Version, watch.Number, request, target.StartTime, target.BootId, watch.Since, 0));
            _active.Add(watch);
        }

        tell(new WatchEvent { Watch = watch.Number });
        log.Write($"watch {watch.Number}: pid {request.Pid} ({watch.Command}) every {request.EveryMilliseconds} ms{(request.Detach ? ", detached" : "")}{(resumed is not null ? ", resumed" : "")}");
        var thread = new Thread(() =>
        {
            watch.Run(engine);
            lock (_gate)
            {
                _active.Remove(watch);
                _ended.Enqueue(watch);
                if (_ended.Count > EndedKept)
                    _ended.Dequeue();
                // One that only this engine's end has ended is the next one's.
                if (record is not null && !_isLeaving)
                    records.Remove(watch.Number);
            }

            log.Write($"watch {watch.Number}: ended after {watch.Snapshots} snapshots: {watch.End}");
            watch.Leave();
        }) { Name = "snap-watch", IsBackground = true };
        thread.Start();
        return watch;

        void Hear(WatchEvent said)
        {
            if (said.Rescued is { } rescued)
                log.Write($"pid {request.Pid}: {rescued.ToTarget()}");
            // What was brought back is another process, and what is left of so many is less after each.
            if (watch is not null && record is not null && (said.Rescued is not null || (said.Snapshot is not null && request.Count is not null)))
                Note(watch, ref record);
            tell(said);
        }
    }

    private void Note(EngineWatch watch, ref WatchRecord record)
    {
        try
        {
            if (TargetIdentity.OfOrGone(watch.Request.Pid) is { } target)
                records.Write(record = record with { StartTime = target.StartTime, BootId = target.BootId, Snapshots = watch.Snapshots });
        }
        catch (SnapException failed)
        {
            // The watch itself goes on.
            log.Write($"watch {watch.Number}: {failed.What}: {failed.Why}");
        }
    }

    /// <summary>Ends all, and waits for them, though not for ever: one may sit in a read of a disk that is gone.</summary>
    /// <param name="areLeft">Those that are detached are left for the next engine to resume.</param>
    public void EndAll(bool areLeft)
    {
        lock (_gate)
            _isLeaving = areLeft;
        IReadOnlyList<EngineWatch> all = Active;
        foreach (EngineWatch watch in all)
            watch.Stop();
        Task.WaitAll([.. all.Select(watch => watch.Over)], TimeSpan.FromSeconds(10));
    }
}

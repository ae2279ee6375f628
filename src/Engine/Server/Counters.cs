using System.Globalization;
using System.Text;
using Snap.Engine.Api;
using Snap.Image;
using Snap.Store;

namespace Snap.Engine.Server;

/// <summary>What an engine has done, as Prometheus reads it.</summary>
internal sealed class Counters
{
    private static readonly long[] _pauseBounds = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

    private readonly Lock _gate = new();
    private readonly long[] _pauses = new long[_pauseBounds.Length + 1];
    private long _snapshots, _failures, _bytes, _dirty, _pauseSum;

    /// <summary>Snapshots stored.</summary>
    public long Snapshots
    {
        get
        {
            lock (_gate)
                return _snapshots;
        }
    }

    /// <summary>Counts what a take comes to.</summary>
    public SnapshotInfo Count(Func<SnapshotInfo> take)
    {
        try
        {
            SnapshotInfo taken = take();
            Add(taken);
            return taken;
        }
        catch (SnapException)
        {
            lock (_gate)
                _failures++;
            throw;
        }
    }

    /// <summary>Counts what a watch tells.</summary>
    public void Count(WatchEvent said)
    {
        if (said.Snapshot is { } snapshot)
            Add(snapshot.ToInfo());
        if (said.Error is null)
            return;
        lock (_gate)
            _failures++;
    }

    /// <summary>The text format of Prometheus.</summary>
    public string Render(IReadOnlyList<TrackedTarget> targets, IReadOnlyList<EngineWatch> active)
    {
        var text = new StringBuilder();
        lock (_gate)
        {
            Metric("snap_snapshots_total", "counter", "Snapshots stored by this engine.", _snapshots);
            Metric("snap_failures_total", "counter", "Takes and watches that failed.", _failures);
            Metric("snap_stored_bytes_total", "counter", "Bytes that snapshots added to the store.", _bytes);
            Metric("snap_dirty_pages_total", "counter", "Pages found dirty.", _dirty);
            Head("snap_pause_seconds", "histogram", "Time from the first thread stopped to the last one resumed.");
            long sum = 0;
            for (int i = 0; i <= _pauseBounds.Length; i++)
            {
                sum += _pauses[i];
                string bound = i < _pauseBounds.Length ? (_pauseBounds[i] / 1e6).ToString(CultureInfo.InvariantCulture) : "+Inf";
                text.Append(CultureInfo.InvariantCulture, $"snap_pause_seconds_bucket{{le=\"{bound}\"}} {sum}\n");
            }

            text.Append(CultureInfo.InvariantCulture, $"snap_pause_seconds_sum {_pauseSum / 1e6}\nsnap_pause_seconds_count {sum}\n");
        }

        Metric("snap_tracked", "gauge", "Processes that are tracked.", targets.Count(target => target.EndedAt is null));
        Metric("snap_watches", "gauge", "Watches under way.", active.Count);
        TrackedTarget[] watched = [.. targets.Where(target => target is { Watch: not null, EndedAt: null })];
        PerWatch("snap_watch_snapshots_total", "counter", "Snapshots of the watch.", target => target.Snapshots);
        PerWatch("snap_watch_missed_total", "counter", "Ticks of the watch without a snapshot.", target => target.Missed);
        PerWatch("snap_watch_not_captured", "gauge", "1 while the target can't be captured.", target => target.NotCapturedSince is null ? 0 : 1);
        return text.ToString();

        void Head(string name, string type, string help) => text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");

        void Metric(string name, string type, string help, long value)
        {
            Head(name, type, help);
            text.Append(CultureInfo.InvariantCulture, $"{name} {value}\n");
        }

        void PerWatch(string name, string type, string help, Func<TrackedTarget, long> value)
        {
            Head(name, type, help);
            foreach (TrackedTarget target in watched)
                text.Append(CultureInfo.InvariantCulture, $"{name}{{watch=\"{target.Watch}\",pid=\"{target.Pid}\",name=\"{target.Name}\"}} {value(target)}\n");
        }
    }

    private void Add(SnapshotInfo snapshot)
    {
        SnapshotFacts facts = SnapshotFacts.Of(snapshot);
        int bucket = Array.FindIndex(_pauseBounds, bound => facts.PauseMicroseconds <= bound);
        lock (_gate)
        {
            _snapshots++;
            _bytes += snapshot.Statistics.BytesStored;
            _dirty += facts.PagesDirty;
            _pauseSum += facts.PauseMicroseconds;
            _pauses[bucket < 0 ? _pauseBounds.Length : bucket]++;
        }
    }
}

using System.Globalization;
using Snap.Engine;
using Snap.Engine.Rescue;
using Snap.Store;

namespace Snap.Cli.Output;

/// <summary>One line a second for people; none for a second without news.</summary>
internal sealed class TextWatchReport : IWatchReport
{
    private readonly Terminal _terminal;
    private readonly TroubleReport _trouble;
    private readonly List<SnapshotJson> _news = [];
    private string? _name;
    private long _missed;

    /// <summary>Writes to the terminal's output.</summary>
    public TextWatchReport(Terminal terminal) => (_terminal, _trouble) = (terminal, new TroubleReport(terminal.Out));

    /// <inheritdoc/>
    public void Snapshot(SnapshotInfo snapshot) => _news.Add(SnapshotJson.Of(snapshot));

    /// <inheritdoc/>
    public void Rescued(RescuedTarget rescued) => RescueText.Write(_terminal.Out, rescued);

    /// <inheritdoc/>
    public void Status(WatchStatus status)
    {
        if (_name is null && status.Name is { } name && !status.NotCapturedSince.HasValue)
            _terminal.Out.WriteLine($"watching {_name = name} (pid {status.Pid}); Ctrl-C stops");
        _trouble.Tell(status);
        if (_news.Count == 0)
            return;
        SnapshotJson last = _news[^1];
        long[] pauses = [.. _news.Select(snapshot => snapshot.PauseMicroseconds).Order()];
        string pause = pauses.Length == 1 ? $"pause {Sizes.Microseconds(pauses[0])}"
            : $"pause {Sizes.Microseconds(pauses[pauses.Length / 2])} (max {Sizes.Microseconds(pauses[^1])})";
        string missed = status.Missed > _missed ? $"  {status.Missed - _missed} missed" : "";
        _terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{last.Time.ToLocalTime():HH:mm:ss}  {last.Name} #{last.Seq} {last.Id[..8]}  +{_news.Count}  {_news.Sum(snapshot => snapshot.PagesDirty)} pages  {Sizes.Bytes(_news.Sum(snapshot => snapshot.BytesStored))}  {pause}{(last.Full ? "  full" : "")}{missed}"));
        foreach (string notice in _news.SelectMany(snapshot => snapshot.Notices).Distinct())
            _terminal.Out.WriteLine($"          note: {notice}");
        _missed = status.Missed;
        _news.Clear();
    }

    /// <inheritdoc/>
    public void End(WatchResult result)
    {
        WatchStatus status = result.Status;
        string reason = result.End switch
        {
            WatchEnd.TargetEnded => $"the target ended{(result.TargetExit is { } exit ? $" ({exit})" : "")}",
            WatchEnd.Cancelled => "stopped",
            _ => "done",
        };
        _terminal.Out.WriteLine($"{reason}: {status.Snapshots} snapshots in {Sizes.Ago(status.Elapsed)}, {Sizes.Bytes(status.BytesStored)} stored, {status.Missed} ticks missed");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}

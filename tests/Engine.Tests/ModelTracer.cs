using System.Globalization;
using Snap.Dumper;
using Snap.Dumper.Host;
using Snap.Dumper.Tests.Host;
using Snap.Image;
using Snap.Kernel.Procfs;

namespace Snap.Engine.Tests;

/// <summary>A tracer of a target that is only a table of pages; keeps dirty pages by the same rules as a real one.</summary>
/// <remarks>Writes are queued by the test and take effect at the next Take, which then knows them as dirty until an interval that holds them is committed.</remarks>
internal sealed class ModelTracer(int pid) : ITreeTracer
{
    private readonly Dictionary<ulong, byte> _memory = [];
    private readonly List<(ulong Interval, HashSet<ulong> Pages)> _uncommitted = [];
    private readonly HashSet<ulong> _dirty = [];
    private bool _wantsFull = true;
    private int _takenIntervals;

    public static readonly SpaceId Space = new(1);

    public TrackerKind Tracker => TrackerKind.WriteProtect;

    public bool HasStuckThreads => false;

    public void ReleaseStuckThreads()
    {
    }

    public bool TargetGone { get; set; }

    /// <summary>Spaces that were known at the start.</summary>
    public IReadOnlyList<SpaceImage> KnownSpaces { get; init; } = [];

    /// <summary>Called at the beginning of each Take with its number; changes memory by <see cref="Write"/>.</summary>
    public Action<ulong, ModelTracer> OnTake { get; set; } = (_, _) => { };

    /// <summary>Takes begun.</summary>
    public int TakenIntervals => Volatile.Read(ref _takenIntervals);

    public List<ulong> CommittedIntervals { get; } = [];

    public List<ulong> FailedIntervals { get; } = [];

    /// <summary>Writes a page (null: makes it absent).</summary>
    public void Write(ulong page, byte? value)
    {
        if (value is { } written)
            _memory[page] = written;
        else
            _memory.Remove(page);
        _dirty.Add(page);
    }

    public CheckpointResult Take(CheckpointRequest request, IPageSink sink)
    {
        OnTake(request.Interval, this);
        Volatile.Write(ref _takenIntervals, _takenIntervals + 1);
        bool isFull = _wantsFull;
        HashSet<ulong> told = isFull ? [.. _memory.Keys] : [.. _dirty];
        _uncommitted.Add((request.Interval, [.. _dirty]));
        _dirty.Clear();
        _wantsFull = false;
        bool inPause = false;
        foreach (ulong page in told)
        {
            if (!_memory.TryGetValue(page, out byte value))
                sink.PublishDrop(Space, new PageRange(page, 1));
            else if (value == 0)
                sink.PublishZero(Space, new PageRange(page, 1));
            else if (inPause = !inPause)
                Pause(sink, page, value);
            else
                Stream(sink, page, value);
        }

        ulong startTime = TaskFiles.OfProcess(pid).ReadStat()?.StartTime ?? 0;
        SnapshotImage image = TestImages.Small(pid);
        return new CheckpointResult
        {
            Image = image with
            {
                Host = image.Host with { BootId = SystemFiles.ReadBootId() },
                Processes = [image.Processes[0] with { StartTime = startTime, Umask = (int)request.Interval }],
            },
            IsFull = isFull,
            Pause = TimeSpan.FromMicroseconds(100),
            Time = DateTimeOffset.UtcNow,
            PagesDirty = (ulong)told.Count,
            PagesCopied = (ulong)told.Count,
            PagesCopiedInPause = 0,
            LivePasses = 1,
            Freezes = 1,
        };
    }

    public void Committed(ulong interval)
    {
        CommittedIntervals.Add(interval);
        _uncommitted.RemoveAll(entry => entry.Interval <= interval);
    }

    public void Failed(ulong interval)
    {
        FailedIntervals.Add(interval);
        foreach ((ulong _, HashSet<ulong> pages) in _uncommitted.Where(entry => entry.Interval >= interval))
            _dirty.UnionWith(pages);
        _wantsFull |= _uncommitted.Exists(entry => entry.Interval == 1 && interval == 1);
        _uncommitted.RemoveAll(entry => entry.Interval >= interval);
    }

    public void Dispose()
    {
    }

    /// <summary>What memory should be, for the test to compare.</summary>
    public IReadOnlyDictionary<ulong, byte> Memory => _memory;

    private static void Pause(IPageSink sink, ulong page, byte value)
    {
        (ulong offset, ulong _) = sink.AcquirePause(PageRange.PageSize);
        sink.Memory.Slice(offset, PageRange.PageSize).Fill(value);
        sink.PublishPause([new SpaceRun(Space, new PageRange(page, 1))]);
    }

    private static void Stream(IPageSink sink, ulong page, byte value)
    {
        ulong offset = sink.AcquireStream(PageRange.PageSize);
        sink.Memory.Slice(offset, PageRange.PageSize).Fill(value);
        sink.PublishStream(offset, PageRange.PageSize, [new SpaceRun(Space, new PageRange(page, 1))]);
    }

    public static string Text(IEnumerable<KeyValuePair<ulong, byte>> memory) =>
        string.Join(' ', memory.OrderBy(pair => pair.Key).Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key}={pair.Value}")));
}

using Snap.Dumper.Host;
using Snap.Image;

namespace Snap.Dumper.Tests.Host;

/// <summary>Keeps what it is told: the first byte of each page, and how intervals ended.</summary>
internal sealed class RecordingEvents : ITracerEvents
{
    public Dictionary<(uint Space, ulong Page), int> Pages { get; } = [];

    public List<(ulong Interval, CheckpointSummary Summary, byte[] Image)> TakenIntervals { get; } = [];

    public List<(ulong Interval, SnapException Reason, bool TargetGone)> NotTakenIntervals { get; } = [];

    /// <summary>Called for each run of pages, before they are looked at.</summary>
    public Action OnPages { get; set; } = () => { };

    /// <summary>Called when an interval ended.</summary>
    public Action OnEnd { get; set; } = () => { };

    void IPageReceiver.Pages(SpaceId space, ulong firstPage, ReadOnlySpan<byte> bytes)
    {
        OnPages();
        for (int at = 0; at < bytes.Length; at += PageRange.PageSize)
        {
            Assert.False(bytes.Slice(at, PageRange.PageSize).ContainsAnyExcept(bytes[at]));
            Pages[(space.Value, firstPage + (ulong)(at / PageRange.PageSize))] = bytes[at];
        }
    }

    public void Zero(SpaceId space, PageRange range) => Set(space, range, 0);

    public void Drop(SpaceId space, PageRange range) => Set(space, range, -1);

    public void Removed(SpaceId space) => Pages[(space.Value, ulong.MaxValue)] = -2;

    public void Taken(ulong interval, CheckpointSummary summary, ReadOnlySpan<byte> image)
    {
        TakenIntervals.Add((interval, summary, image.ToArray()));
        OnEnd();
    }

    public void NotTaken(ulong interval, SnapException reason, bool targetGone)
    {
        NotTakenIntervals.Add((interval, reason, targetGone));
        OnEnd();
    }

    private void Set(SpaceId space, PageRange range, int value)
    {
        for (ulong page = range.First; page < range.End; page++)
            Pages[(space.Value, page)] = value;
    }
}

using Snap.Dumper.Pages;
using Snap.Image;
using Snap.Kernel.Memory;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Tests.Pages;

public sealed class BusyPagesTests : IDisposable
{
    private const ulong Pages = 64;
    private readonly MappedMemory _memory = MappedMemory.Anonymous(Pages << PageRange.PageShift);
    private readonly MemorySink _sink = new(Pages << PageRange.PageShift);
    private readonly ScriptedTracker _tracker = new();
    private readonly ProcessPages _pages;
    private readonly List<MapsEntry> _mappings;
    private readonly ulong _first;
    private ulong _interval;

    public BusyPagesTests()
    {
        _memory.Populate(0, _memory.Length);
        _first = _memory.Address >> PageRange.PageShift;
        _pages = new ProcessPages(new SpaceId(1), RemoteMemory.Open(Environment.ProcessId), _tracker);
        using MapsReader maps = MapsReader.OpenOrGone(Environment.ProcessId)!;
        _mappings = [];
        Assert.True(maps.TryRead(_mappings));
        _mappings.RemoveAll(entry => entry.Start > _memory.Address || entry.End <= _memory.Address);
    }

    public void Dispose()
    {
        _pages.Dispose();
        _sink.Dispose();
        _memory.Dispose();
    }

    [Fact]
    public void What_was_written_again_before_the_freeze_is_left_to_the_next_one()
    {
        Take([new(0, Pages)], []);
        (ulong live, ulong frozen) = Take([new(0, 10)], [new(0, 5)]);
        Assert.Equal((10UL, 5UL), (live, frozen));
        (live, frozen) = Take([new(0, 10)], [new(0, 4)]);
        // Page 4 was left, and wasn't written again: it is copied all the same.
        Assert.Equal((5UL, 5UL), (live, frozen));
        (live, frozen) = Take([new(0, 10)], [new(0, 4)]);
        Assert.Equal((6UL, 4UL), (live, frozen));
    }

    [Fact]
    public void Once_they_rest_they_are_copied_live_again()
    {
        Take([new(0, Pages)], []);
        Take([new(0, 10)], [new(0, 10)]);
        Assert.Equal((0UL, 10UL), Take([new(0, 10)], []));
        for (int i = 0; i < 16; i++)
            Assert.Equal((10UL, 10UL), Take([new(0, 10)], [new(0, 10)]));
        Assert.Equal((0UL, 10UL), Take([new(0, 10)], [new(0, 10)]));
    }

    [Fact]
    public void An_interval_that_breaks_off_after_some_were_left_owes_them_to_the_next()
    {
        Take([new(0, Pages)], []);
        Take([new(0, 10)], [new(0, 10)]);
        _pages.Begin(_sink);
        Assert.Equal(0UL, Live([new(0, 10)]));
        _pages.Abandon();
        _sink.Abandon();
        _memory.Slice(3 << PageRange.PageShift, 1)[0] = 33;
        (ulong live, ulong frozen) = Take([], []);
        Assert.Equal(10UL, live + frozen);
        Assert.Equal(33, _sink.Pages(new SpaceId(1))[_first + 3][0]);
    }

    [Fact]
    public void A_freeze_that_found_too_much_makes_the_next_live_pass_copy_all()
    {
        Take([new(0, Pages)], []);
        Take([new(0, 10)], [new(0, 10)]);
        _pages.Begin(_sink);
        Assert.Equal(0UL, Live([new(0, 10)]));
        _tracker.Next = Shift([new(0, 10)]);
        Assert.Equal(10UL, _pages.ScanFrozen(_mappings, hasDirectIo: false));
        _pages.Postpone();
        Assert.Equal(10UL, Live([]));
    }

    private ulong Live(PageRange[] written)
    {
        _tracker.Next = Shift(written);
        return _pages.LivePass(_mappings, _sink, seesDirectIo: false);
    }

    /// <returns>Pages copied by the live pass, and in the freeze.</returns>
    private (ulong Live, ulong Frozen) Take(PageRange[] live, PageRange[] frozen)
    {
        _pages.Begin(_sink);
        ulong copied = Live(live);
        _tracker.Next = Shift(frozen);
        ulong left = _pages.ScanFrozen(_mappings, hasDirectIo: false);
        List<SpaceRun> runs = [];
        (ulong offset, _) = _sink.AcquirePause(0);
        Assert.Equal(left << PageRange.PageShift, _pages.CopyFrozen(_sink.Memory, offset, runs));
        _pages.PublishFrozen(_sink);
        _sink.PublishPause(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(runs));
        _pages.End(++_interval);
        _pages.Committed(_interval);
        _sink.End(_interval);
        _sink.Committed(_interval);
        return (copied, left);
    }

    private PageRange[] Shift(PageRange[] ranges) => [.. ranges.Select(range => new PageRange(_first + range.First, range.Count))];

    /// <summary>Reports what it is told to.</summary>
    private sealed class ScriptedTracker : IDirtyTracker
    {
        public PageRange[] Next { get; set; } = [];

        public TrackerKind Kind => TrackerKind.WriteProtect;

        public bool HasLivePasses => true;

        public void ScanLive(IReadOnlyList<MapsEntry> mappings, PageChanges changes) => Report(changes);

        public void ScanFrozen(IReadOnlyList<MapsEntry> mappings, PageChanges changes) => Report(changes);

        public void Look(PageRange range, bool isFile, PageChanges changes) => changes.Written.Add(range);

        public void CopiedAssumeFrozen()
        {
            // Nothing is kept.
        }

        public void Dispose()
        {
            // Nothing is held.
        }

        private void Report(PageChanges changes)
        {
            foreach (PageRange range in Next)
                changes.Written.Add(range);
        }
    }
}

using Snap.Dumper.Host;
using Snap.Image;
using Snap.Testing;

namespace Snap.Dumper.Tests.Host;

/// <summary>The protocol and the shared memory, both ends of it, with a scripted tracer on a thread.</summary>
public sealed class TracerHostTests
{
    private const ulong Page = PageRange.PageSize;
    private static readonly SharedLayout _small = new(16 * Page, 1UL << 30, 8 * Page);
    private static readonly SpaceId _space = new(1);

    [Fact]
    public void Pages_zeros_drops_and_removals_arrive_in_their_order()
    {
        var tracer = new ScriptedTracer((_, sink) =>
        {
            Stream(sink, 10, 3, 7, 8, 9);
            sink.PublishZero(_space, new PageRange(11, 1));
            sink.PublishDrop(_space, new PageRange(12, 1));
            Pause(sink, 20, 5);
            sink.PublishRemoved(new SpaceId(9));
        });
        RecordingEvents events = TakeOnce(tracer);
        Assert.Equal(7, events.Pages[(1, 10)]);
        Assert.Equal(0, events.Pages[(1, 11)]);
        Assert.Equal(-1, events.Pages[(1, 12)]);
        Assert.Equal(5, events.Pages[(1, 20)]);
        Assert.Equal(-2, events.Pages[(9, ulong.MaxValue)]);
        Assert.True(tracer.IsDisposed);
    }

    [Fact]
    public void A_checkpoint_comes_with_its_image_and_what_the_engine_needs_of_it()
    {
        (ulong interval, CheckpointSummary summary, byte[] image) = Assert.Single(TakeOnce(new ScriptedTracer((_, _) => { })).TakenIntervals);
        Assert.Equal(1UL, interval);
        Assert.Equal(4711, summary.Pid);
        Assert.Equal("worker --fast", summary.Command);
        Assert.Equal(124, summary.PauseMicroseconds);
        Assert.Equal([_space], summary.Spaces);
        Assert.Equal(4711, ImageCodec.Decode(image).Processes[0].Pid);
    }

    /// <summary>A user saw a thread stand still until the next checkpoint of a slow watch: it had stopped too late for the freeze, and nobody let it go.</summary>
    [Fact]
    public void A_thread_that_stopped_too_late_is_let_go_while_nothing_is_asked_of_the_tracer()
    {
        var tracer = new ScriptedTracer((_, _) => { }) { StuckRounds = 3 };
        using TracerOnThread host = TracerOnThread.Start(tracer, _small);
        Patience.Until(() => !tracer.HasStuckThreads, "stuck threads to be let go");
    }

    /// <summary>Random sizes through a ring of 16 pages, some rooms not filled or given back unused; what arrives is compared with a model.</summary>
    [Fact]
    public void The_ring_keeps_every_byte_however_it_wraps()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        var expected = new Dictionary<(uint, ulong), int>();
        var tracer = new ScriptedTracer((_, sink) =>
        {
            for (int i = 0; i < 3000; i++)
            {
                int room = random.Next(1, 17);
                int filled = random.Next(0, room + 1);
                byte[] values = new byte[filled];
                random.NextBytes(values);
                ulong first = (ulong)random.Next(10_000);
                for (int page = 0; page < filled; page++)
                    expected[(1, first + (ulong)page)] = values[page];
                Stream(sink, first, room, values);
            }
        });
        RecordingEvents events = TakeOnce(tracer);
        Assert.True(expected.Count == events.Pages.Count && expected.All(pair => events.Pages[pair.Key] == pair.Value), $"seed {seed}");
    }

    /// <summary>A tracer once waited for ever: it had skipped the end of the ring for a room that it then gave back unused.</summary>
    [Fact]
    public void Room_behind_a_skipped_end_that_is_given_back_unused_costs_nothing()
    {
        using var isSent = new ManualResetEventSlim();
        using var isGivenBack = new ManualResetEventSlim();
        var tracer = new ScriptedTracer((_, sink) =>
        {
            Stream(sink, 0, 10, new byte[10]);
            Stream(sink, 20, 4, 1, 2, 3, 4);
            isSent.Set();
            Stream(sink, 0, 3);
            isGivenBack.Set();
            Stream(sink, 40, 15, new byte[15]);
        });
        int messages = 0;
        var events = new RecordingEvents();
        events.OnPages = () => (++messages == 1 ? isSent : isGivenBack).Wait();
        Run(tracer, events, end => end.TryTake(new CheckpointRequest { Interval = 1 }, default));
        Assert.Equal(29, events.Pages.Count);
    }

    [Fact]
    public void A_pause_area_grows_as_asked_and_is_given_again_only_when_it_was_read()
    {
        int pauses = 0;
        var events = new RecordingEvents();
        var tracer = new ScriptedTracer((_, sink) =>
        {
            for (byte round = 1; round <= 20; round++)
            {
                (ulong offset, ulong length) = sink.AcquirePause(round * 64UL * Page);
                Assert.True(length >= round * 64UL * Page);
                Assert.Equal(pauses, round - 1);
                sink.Memory.Slice(offset, (int)Page).Fill(round);
                sink.PublishPause([new SpaceRun(_space, new PageRange(round, 1))]);
            }
        });
        events.OnPages = () => pauses++;
        Run(tracer, events, end => end.TryTake(new CheckpointRequest { Interval = 1 }, default));
        Assert.Equal(20, pauses);
    }

    [Fact]
    public void Many_runs_are_told_in_several_messages()
    {
        const int count = 10_000;
        var tracer = new ScriptedTracer((_, sink) =>
        {
            (ulong offset, ulong _) = sink.AcquirePause(count * Page);
            var runs = new SpaceRun[count];
            for (int i = 0; i < count; i++)
            {
                sink.Memory.Slice(offset + ((ulong)i * Page), (int)Page).Fill((byte)i);
                runs[i] = new SpaceRun(_space, new PageRange((ulong)i * 2, 1));
            }

            sink.PublishPause(runs);
        });
        RecordingEvents events = TakeOnce(tracer);
        Assert.Equal(count, events.Pages.Count);
        Assert.All(Enumerable.Range(0, count), i => Assert.Equal((byte)i, events.Pages[(1, (ulong)i * 2)]));
    }

    [Fact]
    public void Fates_of_intervals_reach_the_tracer_in_order_also_while_it_waits_for_room()
    {
        var tracer = new ScriptedTracer((_, sink) =>
        {
            for (int i = 0; i < 100; i++)
                Stream(sink, (ulong)i, 16, 1);
        });
        var events = new RecordingEvents();
        Run(tracer, events, end =>
        {
            end.TryTake(new CheckpointRequest { Interval = 1 }, default);
            end.TryCommitted(1);
            end.TryTake(new CheckpointRequest { Interval = 2 }, default);
            end.TryNotStored(2);
        }, intervals: 2);
        Assert.Equal<ulong>([1], tracer.CommittedIntervals);
        Assert.Equal<ulong>([2], tracer.FailedIntervals);
    }

    [Fact]
    public void A_failed_checkpoint_is_told_with_all_its_reasons_and_the_next_one_works()
    {
        bool fail = true;
        var tracer = new ScriptedTracer((_, _) =>
        {
            if (fail)
                throw new SnapException(ErrorCatalogue.FreezeTimedOut, "it would not stop", "tid 5", "D state", "wait")
                {
                    Others = [new SnapException(ErrorCatalogue.TargetTraced, "also this")],
                };
        });
        var events = new RecordingEvents { OnEnd = () => fail = false };
        Run(tracer, events, end => end.TryTake(new CheckpointRequest { Interval = 1 }, default));
        (_, SnapException reason, bool gone) = Assert.Single(events.NotTakenIntervals);
        Assert.False(gone);
        Assert.Equal(ErrorCatalogue.FreezeTimedOut, reason.Kind);
        Assert.Equal("S0301 it would not stop\n  where: tid 5\n  why:   D state\n  to do: wait\nS0307 also this", reason.Render());
    }

    [Fact]
    public void A_refusal_to_attach_is_thrown_where_the_tracer_was_started()
    {
        SnapException refused = Assert.Throws<SnapException>(() => TracerOnThread.Start(
            request => throw new SnapException(ErrorCatalogue.TargetTraced, $"pid {request.Pid} is traced"), _small, new AttachRequest { Pid = 12 }));
        Assert.Equal("pid 12 is traced", refused.What);
    }

    [Fact]
    public void An_engine_that_ends_lets_the_tracer_detach_even_while_it_waits_for_room()
    {
        var begun = new ManualResetEventSlim();
        var tracer = new ScriptedTracer((_, sink) =>
        {
            begun.Set();
            while (true)
                Stream(sink, 0, 16, 1);
        });
        TracerOnThread running = TracerOnThread.Start(tracer, _small);
        running.EngineEnd.TryTake(new CheckpointRequest { Interval = 1 }, default);
        begun.Wait();
        running.BreakOff();
        Assert.True(tracer.IsDisposed);
    }

    [Fact]
    public void A_bug_of_the_tracer_is_reported_and_it_detaches()
    {
        var tracer = new ScriptedTracer((_, _) => throw new InvalidOperationException("a bug"));
        var events = new RecordingEvents();
        using var running = TracerOnThread.Start(tracer, _small);
        running.EngineEnd.TryTake(new CheckpointRequest { Interval = 1 }, default);
        SnapException? bug = running.EngineEnd.Receive(events);
        Assert.Contains("a bug", bug?.Why, StringComparison.Ordinal);
        Assert.True(tracer.IsDisposed);
    }

    private static RecordingEvents TakeOnce(ScriptedTracer tracer)
    {
        var events = new RecordingEvents();
        Run(tracer, events, end => end.TryTake(new CheckpointRequest { Interval = 1 }, default));
        return events;
    }

    private static void Run(ScriptedTracer tracer, RecordingEvents events, Action<TracerProcess> ask, int intervals = 1)
    {
        using var running = TracerOnThread.Start(tracer, _small);
        ask(running.EngineEnd);
        Action inner = events.OnEnd;
        events.OnEnd = () =>
        {
            inner();
            if (events.TakenIntervals.Count + events.NotTakenIntervals.Count == intervals)
                running.EngineEnd.Stop();
        };
        Assert.Null(running.EngineEnd.Receive(events));
    }

    private static void Pause(IPageSink sink, ulong page, byte value)
    {
        (ulong offset, ulong _) = sink.AcquirePause(Page);
        sink.Memory.Slice(offset, (int)Page).Fill(value);
        sink.PublishPause([new SpaceRun(_space, new PageRange(page, 1))]);
    }

    private static void Stream(IPageSink sink, ulong first, int room, params byte[] values)
    {
        ulong offset = sink.AcquireStream(room * (int)Page);
        for (int i = 0; i < values.Length; i++)
            sink.Memory.Slice(offset + ((ulong)i * Page), (int)Page).Fill(values[i]);
        SpaceRun[] runs = values.Length == 0 ? [] : [new SpaceRun(_space, new PageRange(first, (ulong)values.Length))];
        sink.PublishStream(offset, room * (int)Page, runs);
    }
}

using System.Runtime.ExceptionServices;
using Snap.Dumper;
using Snap.Dumper.Host;
using Snap.Image;
using Snap.Kernel.Memory;

namespace Snap.Restorer.Tests;

/// <summary>A tree taken by the dumper itself, its pages kept in a dictionary.</summary>
internal static class TreeCapture
{
    public static Capture Of(int pid) => Take(pid, _ => { }).Capture;

    /// <summary>Takes one snapshot.</summary>
    /// <param name="pid">The root.</param>
    /// <param name="beforePause">Called with 1, 2, … whenever room for a pause is asked for: before each freeze, and in one that needs more.</param>
    public static (CheckpointResult Result, Capture Capture) Take(int pid, Action<int> beforePause)
    {
        (CheckpointResult, Capture)? taken = null;
        ExceptionDispatchInfo? failure = null;
        // ptrace answers only the thread that seized.
        var thread = new Thread(() =>
        {
            try
            {
                using TreeTracer tracer = TreeTracer.Attach(new AttachRequest { Pid = pid });
                using var sink = new Sink(beforePause);
                CheckpointResult result = tracer.Take(new CheckpointRequest { Interval = 1 }, sink);
                taken = (result, new Capture(result.Image, sink.Pages));
            }
            catch (Exception caught)
            {
                failure = ExceptionDispatchInfo.Capture(caught);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return taken!.Value;
    }

    private sealed class Sink(Action<int> beforePause) : IPageSink, IDisposable
    {
        private const ulong StreamLength = 4 << 20, PauseLength = 64 << 20;

        private int _requests;

        public DictionaryPages Pages { get; } = new();

        public MappedMemory Memory { get; } = MappedMemory.Anonymous(StreamLength + PauseLength);

        public ulong AcquireStream(int length) => 0;

        public void PublishStream(ulong offset, int acquired, ReadOnlySpan<SpaceRun> runs) => Take(offset, runs);

        public (ulong Offset, ulong Length) AcquirePause(ulong wantedLength)
        {
            beforePause(++_requests);
            return (StreamLength, Math.Min(wantedLength, PauseLength));
        }

        public void PublishPause(ReadOnlySpan<SpaceRun> runs) => Take(StreamLength, runs);

        public void PublishZero(SpaceId space, PageRange range) => Drop(space, range);

        public void PublishDrop(SpaceId space, PageRange range) => Drop(space, range);

        public void PublishRemoved(SpaceId space) => Drop(space, new PageRange(0, 1UL << 52));

        public void Dispose() => Memory.Dispose();

        // In memory of a file zeros are content; none of the programs writes any there.
        private void Drop(SpaceId space, PageRange range)
        {
            foreach ((_, ulong page, _) in Pages.All.Where(entry => entry.Space == space && range.Contains(entry.Page)).ToList())
                Pages.Remove(space, page);
        }

        private void Take(ulong offset, ReadOnlySpan<SpaceRun> runs)
        {
            foreach (SpaceRun run in runs)
            {
                for (ulong page = run.Range.First; page < run.Range.End; page++, offset += PageRange.PageSize)
                    Pages.Put(run.Space, page, Memory.Slice(offset, PageRange.PageSize));
            }
        }
    }
}

using Snap.Dumper.Pages;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Injection;
using Snap.Kernel.Memory;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;
using Snap.Kernel.Tracking;

namespace Snap.Dumper.Tests.Pages;

/// <summary>What one run of the exactness suite found.</summary>
public sealed record TrackingReport(long Epochs, long PagesCompared, long PagesWrong, long PagesCopied, long PagesChanged, string FirstWrong);

/// <summary>
/// The oracle of dirty tracking: a program changes its memory at random, live passes run beside it, then it is frozen, the rest is copied, and with
/// all threads still standing every page of every private mapping is compared with what a reader of the sink would have.
/// </summary>
public sealed class TrackingHistory(TrackerKind kind, ulong seed, int mebibytes, string program, string directory, string switchedOff = "")
{
    private static readonly SpaceId _space = new(1);
    private readonly Random _random = new((int)(seed % int.MaxValue));
    private readonly byte[] _actual = new byte[PageRange.PageSize];
    private readonly ulong[] _entries = new ulong[512];
    private readonly List<MapsEntry> _mappings = [];
    private RemoteRange _agent;
    private long _compared, _wrong, _copied, _changed;
    private string _firstWrong = "";

    /// <summary>Runs <paramref name="epochs"/> checkpoints of one program. Every one in eight fails to commit, so that what it held must come with the next.</summary>
    public TrackingReport Run(int epochs)
    {
        (FileDescriptor read, FileDescriptor write) = FileDescriptor.CreatePipe();
        ChildProcess child;
        using (write)
        {
            child = ChildProcess.Start(new SpawnOptions
            {
                Program = program,
                Arguments = [$"{seed}", $"{mebibytes}", directory, switchedOff],
                Descriptors = new Dictionary<int, FileDescriptor> { [1] = write },
            });
        }

        try
        {
            Span<byte> ready = stackalloc byte[6];
            if (!read.ReadFully(ready))
                throw new InvalidOperationException($"the program ended before it was ready: {child.Wait()}");
            RunTraced(child, epochs);
        }
        finally
        {
            read.Dispose();
            child.Signal(Signal.SIGKILL);
            child.Wait();
            File.Delete(Path.Combine(directory, $"map.{child.Pid}"));
            File.Delete(Path.Combine(directory, $"data.{child.Pid}"));
        }

        return new TrackingReport(epochs, _compared, _wrong, _copied, _changed, _firstWrong);
    }

    private void RunTraced(ChildProcess child, int epochs)
    {
        using FrozenProcess frozen = FrozenProcess.PrepareOrGone(child.Pid)!;
        using RemoteMemory memory = RemoteMemory.Open(child.Pid);
        using MapsReader maps = MapsReader.OpenOrGone(child.Pid)!;
        using PageMap pagemap = PageMap.Open(child.Pid);
        using var pages = new ProcessPages(_space, memory, Tracker(child.Pid, frozen, memory));
        using var sink = new MemorySink(768UL << 20);
        var runs = new List<SpaceRun>();
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            if (child.TryWait(out WaitStatus ended))
                throw new InvalidOperationException($"the program {ended} (seed {seed}, epoch {epoch})");
            pages.Begin(sink);
            int passes = kind == TrackerKind.WriteProtect ? _random.Next(epoch == 0 ? 2 : 0, 4) : 0;
            for (int pass = 0; pass < passes; pass++)
            {
                ReadMappings(maps);
                _copied += (long)pages.LivePass(_mappings, sink, seesDirectIo: false);
            }

            if (_random.Next(3) == 0)
                Thread.SpinWait(_random.Next(200_000));
            FreezeResult result = frozen.Freeze(Deadline.Never);
            if (result.Outcome != FreezeOutcome.Frozen)
                throw new InvalidOperationException($"freeze: {result}");
            ReadMappings(maps);
            pages.ScanFrozen(_mappings, hasDirectIo: !switchedOff.Contains('d', StringComparison.Ordinal));
            runs.Clear();
            (ulong offset, _) = sink.AcquirePause(0);
            _copied += (long)pages.CopyFrozen(sink.Memory, offset, runs) >> PageRange.PageShift;
            pages.PublishFrozen(sink);
            sink.PublishPause(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(runs));
            pages.PublishUnreadable(sink);
            Compare(memory, pagemap, sink.Pages(_space));
            frozen.Thaw();
            pages.End((ulong)epoch);
            if (_random.Next(8) == 0)
                pages.Failed((ulong)epoch);
            else
                pages.Committed((ulong)epoch);
        }
    }

    private void ReadMappings(MapsReader maps)
    {
        if (!maps.TryRead(_mappings))
            throw new InvalidOperationException("the program is gone");
        _mappings.RemoveAll(entry => entry.Start >= _agent.Start.Value && entry.End <= _agent.End.Value);
    }

    private IDirtyTracker Tracker(int pid, FrozenProcess frozen, RemoteMemory memory)
    {
        if (kind != TrackerKind.WriteProtect)
            return new PagemapTracker(pid, kind);
        if (frozen.Freeze(Deadline.Never).Outcome != FreezeOutcome.Frozen)
            throw new InvalidOperationException("cannot freeze the program");
        MapsEntry vdso = TaskFiles.OfProcess(pid).ReadMaps()!.Single(entry => entry.Kind == Kernel.Procfs.MappingKind.Vdso);
        CodeSlack slack = InjectionAgent.FindSlack(memory, new RemoteRange(new RemoteAddress(vdso.Start), vdso.Length))!.Value;
        InjectionAgent agent = InjectionAgent.Install(pid, frozen.Threads[0], memory, slack, Signal.SIGURG);
        _agent = agent.Range;
        using ProcessHandle handle = ProcessHandle.OpenOrGone(pid)!;
        using (InjectionSession session = agent.Enter(pid, frozen.Threads[0], Signal.SIGURG))
        {
            RemoteBatch batch = agent.NewBatch();
            int made = batch.Add(SyscallNumber.userfaultfd, Userfaultfd.CreationFlags);
            batch.CloseIfAbandoned(made);
            session.Run(batch);
            handle.TryTakeDescriptor((int)batch.Result(made).OrThrow("userfaultfd"), out FileDescriptor? taken).OrThrow("pidfd_getfd");
            long number = batch.Result(made).Value;
            batch.Clear();
            batch.Add(SyscallNumber.close, (ulong)number);
            session.Run(batch);
            Userfaultfd.TryAdopt(taken!, out Userfaultfd? userfaultfd).OrThrow("UFFDIO_API");
            frozen.Thaw();
            return new WriteProtectTracker(pid, userfaultfd!);
        }
    }

    private void Compare(RemoteMemory memory, PageMap pagemap, Dictionary<ulong, byte[]> model)
    {
        var mapped = new PageSet();
        foreach (MapsEntry mapping in _mappings)
        {
            if (!KnownMappings.IsTracked(mapping))
                continue;
            PageRange range = PageRange.FromBytes(mapping.Start, mapping.End);
            mapped.Add(range);
            bool isFile = mapping.Inode != 0;
            for (ulong page = range.First; page < range.End; page++)
            {
                int at = (int)((page - range.First) % (ulong)_entries.Length);
                if (at == 0)
                    pagemap.ReadEntries(page << PageRange.PageShift, _entries.AsSpan(0, (int)Math.Min((ulong)_entries.Length, range.End - page)));
                bool present = (_entries[at] & (PageMap.PresentBit | PageMap.SwappedBit)) != 0;
                bool isFilesOwn = isFile && (!present || (_entries[at] & PageMap.FileBit) != 0);
                model.TryGetValue(page, out byte[]? kept);
                _compared++;
                if (kept is null && (isFilesOwn || !present))
                    continue;
                if (!present && !isFile)
                    _actual.AsSpan().Clear();
                else if (memory.TryReadForced(new RemoteAddress(page << PageRange.PageShift), _actual).IsError)
                    continue;
                bool isRight = kept is null || kept.Length == 0 ? _actual.AsSpan().IndexOfAnyExcept((byte)0) < 0 : _actual.AsSpan().SequenceEqual(kept);
                if (kept is null && isFile && present && !isFilesOwn)
                    isRight = (_entries[at] & PageMap.PresentBit) == 0;
                if (!isRight)
                    Wrong(mapping, page, _entries[at], kept);
            }
        }

        foreach (ulong page in model.Keys)
        {
            if (!mapped.Contains(page))
                Wrong(default, page, 0, model[page]);
        }
    }

    private void Wrong(MapsEntry mapping, ulong page, ulong entry, byte[]? kept)
    {
        if (_wrong++ == 0)
            _firstWrong = $"seed {seed}: page {page << PageRange.PageShift:x} of {mapping}, pagemap {entry:x16}, kept {(kept is null ? "absent" : kept.Length == 0 ? "zero" : "bytes")}";
        _changed++;
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
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

/// <summary>
/// The oracle of dirty tracking: a program whose pages are tracked, and at every freeze compared, all of them and with every thread standing still,
/// with what a reader of the sink would have. All calls from one thread of ours.
/// </summary>
internal sealed class TrackedProcess : IDisposable
{
    private static readonly SpaceId _space = new(1);
    private readonly int _pid;
    private readonly string _title;
    private readonly bool _hasDirectIo;
    private readonly FrozenProcess _frozen;
    private readonly RemoteMemory _memory;
    private readonly MapsReader _maps;
    private readonly PageMap _pagemap;
    private readonly ProcessPages _pages;
    private readonly HistoryLog _log = new();
    private readonly MemorySink _sink;
    private readonly Queue<ulong> _undecided = [];
    private readonly byte[] _actual = new byte[PageRange.PageSize];
    private readonly ulong[] _entries = new ulong[512];
    private readonly List<MapsEntry> _mappings = [];
    private readonly List<SpaceRun> _runs = [];
    private Dictionary<ulong, ulong> _sums = [];
    private Dictionary<ulong, ulong> _newSums = [];
    private RemoteRange _agent;
    private ulong _interval;
    private bool _isUnderWay;

    /// <param name="kind">Which tracker.</param>
    /// <param name="child">Runs, and has set itself up as far as it wants to.</param>
    /// <param name="title">Names the history in complaints.</param>
    /// <param name="hasDirectIo">True if the program reads by O_DIRECT.</param>
    public TrackedProcess(TrackerKind kind, ChildProcess child, string title, bool hasDirectIo)
    {
        (_pid, _title, _hasDirectIo) = (child.Pid, title, hasDirectIo);
        _frozen = FrozenProcess.PrepareOrGone(child.Pid)!;
        _memory = RemoteMemory.Open(child.Pid);
        _maps = MapsReader.OpenOrGone(child.Pid)!;
        _pagemap = PageMap.Open(child.Pid);
        _pages = new ProcessPages(_space, _memory, kind == TrackerKind.WriteProtect ? WriteProtect(child.Pid) : new PagemapTracker(child.Pid, kind));
        _sink = new MemorySink(768UL << 20, _log);
    }

    public TrackingReport Report { get; private set; } = TrackingReport.None;

    /// <summary>False to keep and compare nothing, where only the time is of interest.</summary>
    public bool IsCompared
    {
        get => _sink.KeepsPages;
        init => _sink.KeepsPages = value;
    }

    /// <summary>How long the last scan with all threads standing still took, and what it found to copy.</summary>
    public (TimeSpan Time, ulong Pages) LastScan { get; private set; }

    /// <summary>Pages copied, and of these those that had changed, by mapping; of all intervals but the first.</summary>
    public SortedDictionary<string, (long Copied, long Changed)> ByMapping { get; } = new(StringComparer.Ordinal);

    /// <summary>Intervals whose fate isn't known yet.</summary>
    public int Undecided => _undecided.Count;

    public void Dispose()
    {
        _frozen.Dispose();
        _pages.Dispose();
        _maps.Dispose();
        _memory.Dispose();
        _pagemap.Dispose();
        _sink.Dispose();
    }

    /// <summary>A pass while the program runs.</summary>
    public void LivePass()
    {
        Begin();
        _log.Phase = string.Create(CultureInfo.InvariantCulture, $"epoch {_interval} live");
        ReadMappings();
        Report += TrackingReport.None with { PagesCopied = (long)_pages.LivePass(_mappings, _sink, _hasDirectIo) };
    }

    /// <summary>Freezes, copies the rest, and compares.</summary>
    /// <param name="between">What to do with all threads standing still, before the scan.</param>
    public void Checkpoint(Action? between = null)
    {
        Begin();
        FreezeResult result = _frozen.Freeze(Deadline.Never);
        if (result.Outcome != FreezeOutcome.Frozen)
            throw new InvalidOperationException($"freeze: {result}");
        between?.Invoke();
        _log.Phase = string.Create(CultureInfo.InvariantCulture, $"epoch {_interval} frozen");
        ReadMappings();
        long started = Stopwatch.GetTimestamp();
        ulong dirty = _pages.ScanFrozen(_mappings, _hasDirectIo);
        LastScan = (Stopwatch.GetElapsedTime(started), dirty);
        _runs.Clear();
        (ulong offset, ulong room) = _sink.AcquirePause(0);
        if (dirty << PageRange.PageShift > room)
            throw new InvalidOperationException($"{_title}: {dirty} pages to copy are more than a program of this test has");
        long copied = (long)_pages.CopyFrozen(_sink.Memory, offset, _runs) >> PageRange.PageShift;
        _pages.PublishFrozen(_sink);
        _sink.PublishPause(CollectionsMarshal.AsSpan(_runs));
        _pages.PublishUnreadable(_sink);
        Report += TrackingReport.None with { Epochs = 1, PagesCopied = copied };
        if (IsCompared)
            Compare();
        _frozen.Thaw();
        _pages.End(_interval);
        _sink.End(_interval);
        _undecided.Enqueue(_interval++);
        _isUnderWay = false;
    }

    /// <summary>The oldest undecided interval is durable.</summary>
    public void Commit()
    {
        ulong interval = _undecided.Dequeue();
        _pages.Committed(interval);
        _sink.Committed(interval);
    }

    /// <summary>The oldest undecided interval could not be stored, nor could those built on it.</summary>
    public void Fail()
    {
        ulong interval = _undecided.Dequeue();
        _undecided.Clear();
        _pages.Failed(interval);
        _sink.Failed(interval);
    }

    private void Begin()
    {
        if (_isUnderWay)
            return;
        _isUnderWay = true;
        _log.Phase = string.Create(CultureInfo.InvariantCulture, $"epoch {_interval} begins");
        _sink.Given.Clear();
        _pages.Begin(_sink);
    }

    private void ReadMappings()
    {
        if (!_maps.TryRead(_mappings))
            throw new InvalidOperationException("the program is gone");
        _mappings.RemoveAll(entry => entry.Start >= _agent.Start.Value && entry.End <= _agent.End.Value);
        _log.Add(_mappings);
    }

    private WriteProtectTracker WriteProtect(int pid)
    {
        if (_frozen.Freeze(Deadline.Never).Outcome != FreezeOutcome.Frozen)
            throw new InvalidOperationException("cannot freeze the program");
        MapsEntry vdso = TaskFiles.OfProcess(pid).ReadMaps()!.Single(entry => entry.Kind == Kernel.Procfs.MappingKind.Vdso);
        CodeSlack slack = InjectionAgent.FindSlack(_memory, new RemoteRange(new RemoteAddress(vdso.Start), vdso.Length))!.Value;
        InjectionAgent agent = InjectionAgent.Install(pid, _frozen.Threads[0], _memory, slack, Signal.SIGURG);
        _agent = agent.Range;
        using ProcessHandle handle = ProcessHandle.OpenOrGone(pid)!;
        using InjectionSession session = agent.Enter(pid, _frozen.Threads[0], Signal.SIGURG);
        RemoteBatch batch = agent.NewBatch();
        int made = batch.Add(SyscallNumber.userfaultfd, Userfaultfd.CreationFlags);
        batch.CloseIfAbandoned(made);
        session.Run(batch);
        long number = batch.Result(made).OrThrow("userfaultfd");
        handle.TryTakeDescriptor((int)number, out FileDescriptor? taken).OrThrow("pidfd_getfd");
        batch.Clear();
        batch.Add(SyscallNumber.close, (ulong)number);
        session.Run(batch);
        Userfaultfd.TryAdopt(taken!, out Userfaultfd? userfaultfd).OrThrow("UFFDIO_API");
        _frozen.Thaw();
        return new WriteProtectTracker(pid, userfaultfd!);
    }

    private void Compare()
    {
        Dictionary<ulong, byte[]> model = _sink.Pages(_space);
        PageSet given = _sink.Given;
        var mapped = new PageSet();
        long compared = 0, changed = 0;
        _newSums.Clear();
        foreach (MapsEntry mapping in _mappings)
        {
            if (!KnownMappings.IsTracked(mapping))
                continue;
            PageRange range = PageRange.FromBytes(mapping.Start, mapping.End);
            mapped.Add(range);
            compared += (long)range.Count;
            (long Copied, long Changed) share = default;
            for (ulong page = range.First; page < range.End; page++)
            {
                int at = (int)((page - range.First) % (ulong)_entries.Length);
                if (at == 0)
                    _pagemap.ReadEntries(page << PageRange.PageShift, _entries.AsSpan(0, (int)Math.Min((ulong)_entries.Length, range.End - page)));
                ulong sum = Compare(mapping, page, _entries[at], model.GetValueOrDefault(page));
                if (sum != 0)
                    _newSums[page] = sum;
                bool isChanged = _sums.GetValueOrDefault(page) != sum;
                changed += isChanged ? 1 : 0;
                if (given.Contains(page))
                    share = (share.Copied + 1, share.Changed + (isChanged ? 1 : 0));
            }

            if (_interval > 0 && share.Copied > 0)
            {
                (long Copied, long Changed) before = ByMapping.GetValueOrDefault($"{mapping}");
                ByMapping[$"{mapping}"] = (before.Copied + share.Copied, before.Changed + share.Changed);
            }
        }

        foreach (ulong page in model.Keys)
        {
            if (!mapped.Contains(page))
                Wrong(default, page, 0, model[page]);
        }

        (_sums, _newSums) = (_newSums, _sums);
        Report += TrackingReport.None with { PagesCompared = compared, PagesChanged = changed };
    }

    /// <returns>A checksum of the page; 0 if it holds nothing of its own, or zeros.</returns>
    private ulong Compare(MapsEntry mapping, ulong page, ulong entry, byte[]? kept)
    {
        bool isFile = mapping.Inode != 0;
        bool isPresent = (entry & PageMap.PresentBit) != 0;
        bool isThere = (entry & (PageMap.PresentBit | PageMap.SwappedBit)) != 0 && (entry & PageMap.GuardBit) == 0;
        bool isFilesOwn = isFile && (!isThere || (entry & PageMap.FileBit) != 0);
        if (kept is null && (isFilesOwn || !isThere))
            return 0;
        if (!isThere && !isFile)
            _actual.AsSpan().Clear();
        else if (_memory.TryReadForced(new RemoteAddress(page << PageRange.PageShift), _actual).IsError)
        {
            // Beyond the end of its file; nobody can read it, before or after a restore.
            if (!isFile)
                Wrong(mapping, page, entry, kept);
            return 0;
        }

        // A reader who has nothing of a private copy would give the file's content for it.
        bool isRight = kept is null && isFile ? !isPresent
            : kept is null || kept.Length == 0 ? _actual.AsSpan().IndexOfAnyExcept((byte)0) < 0
            : _actual.AsSpan().SequenceEqual(kept);
        if (!isRight)
            Wrong(mapping, page, entry, kept);
        return isFilesOwn ? 0 : Sum(_actual);
    }

    private static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        foreach (ulong part in MemoryMarshal.Cast<byte, ulong>(bytes))
            sum = (ulong.RotateLeft(sum, 5) ^ part) * 0x9E3779B97F4A7C15;
        return sum;
    }

    private void Wrong(MapsEntry mapping, ulong page, ulong entry, byte[]? kept)
    {
        string first = Report.PagesWrong > 0 ? "" : string.Create(CultureInfo.InvariantCulture,
            $"{_title}: page {page << PageRange.PageShift:x} of {mapping}, pagemap {entry:x16}, kept {Describe(kept)}, is {Describe(_actual)}\n{Circumstances(page)}{_log.Of(page)}");
        Report += TrackingReport.None with { PagesWrong = 1, FirstWrong = first };
    }

    // All threads stand still: where they stand often tells what was half done.
    private string Circumstances(ulong page)
    {
        var text = new System.Text.StringBuilder();
        foreach (Tracee thread in _frozen.Threads)
            text.AppendLine(CultureInfo.InvariantCulture, $"  thread {thread.Tid} at {thread.GetRegisters().rip:x}, call: {File.ReadAllText($"/proc/{_pid}/task/{thread.Tid}/syscall").Trim()}");
        var near = new ulong[5];
        _pagemap.ReadEntries((page - 2) << PageRange.PageShift, near);
        text.AppendLine(CultureInfo.InvariantCulture, $"  pagemap from two pages before it: {string.Join(' ', near.Select(entry => entry.ToString("x16", CultureInfo.InvariantCulture)))}");
        return text.ToString();
    }

    private static string Describe(byte[]? bytes) => bytes is null ? "absent" : bytes.Length == 0 ? "zero"
        : string.Create(CultureInfo.InvariantCulture, $"bytes {Convert.ToHexStringLower(bytes.AsSpan(0, 16))}… sum {Sum(bytes):x}");
}

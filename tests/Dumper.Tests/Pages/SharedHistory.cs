using System.Globalization;
using System.Runtime.InteropServices;
using Snap.Dumper.Collect;
using Snap.Dumper.Pages;
using Snap.Dumper.Preflight;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;

namespace Snap.Dumper.Tests.Pages;

/// <summary>
/// The oracle of shared memory: a program (tests/Programs/shared_history.c) that changes it at random, alone and together with processes outside, taken through
/// a random history of live passes, freezes, commits and failures. With all of them standing still every page of every object is compared.
/// </summary>
public sealed class SharedHistory : IDisposable
{
    private readonly Random _random;
    private readonly string _title;
    private readonly ChildProcess _child;
    private readonly FileDescriptor _output;
    private readonly FrozenProcess _frozen;
    private readonly MapsReader _maps;
    private readonly DescriptorTable _descriptors;
    private readonly SharedObjectList _objects;
    private readonly SharedContents _contents;
    private readonly SpaceTable _ids = new([]);
    private readonly MemorySink _sink = new(64UL << 20);
    private readonly List<MapsEntry> _mappings = [];
    private readonly List<SpaceRun> _runs = [];
    private readonly Queue<ulong> _undecided = [];
    private readonly Dictionary<(SpaceId Space, ulong Page), UInt128> _sums = [];
    private TrackingReport _report = TrackingReport.None;

    /// <summary>Starts the program.</summary>
    /// <param name="seed">Of program and history. What threads and processes do at once still differs from run to run.</param>
    /// <param name="program">The compiled program.</param>
    /// <param name="switchedOff">What it must not do; its FLAGS.</param>
    public SharedHistory(ulong seed, string program, string switchedOff = "-")
    {
        _random = new Random((int)(seed % int.MaxValue));
        _title = string.Create(CultureInfo.InvariantCulture, $"shared seed {seed}");
        (_output, FileDescriptor write) = FileDescriptor.CreatePipe();
        using (write)
        {
            _child = ChildProcess.Start(new SpawnOptions
            {
                Program = program, Arguments = [$"{seed}", switchedOff], NewSession = true, CloseOthers = true,
                Descriptors = new Dictionary<int, FileDescriptor> { [1] = write },
            });
        }

        Span<byte> ready = stackalloc byte[6];
        if (!_output.ReadFully(ready))
            throw new InvalidOperationException($"the program ended before it was ready: {_child.Wait()}");
        _frozen = FrozenProcess.PrepareOrGone(_child.Pid)!;
        _maps = MapsReader.OpenOrGone(_child.Pid)!;
        _descriptors = new DescriptorTable(_child.Pid);
        _objects = new SharedObjectList(_child.Pid);
        _contents = new SharedContents();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _frozen.Dispose();
        foreach (ProcStat other in Others())
            Signal(other.Pid, Kernel.Abi.Signal.SIGKILL);
        _child.Signal(Kernel.Abi.Signal.SIGKILL);
        _child.Wait();
        _contents.Dispose();
        _maps.Dispose();
        _output.Dispose();
        _sink.Dispose();
    }

    /// <summary>Takes <paramref name="epochs"/> checkpoints. Up to two wait for their commit; one in eight fails, and some break off.</summary>
    public TrackingReport Run(int epochs)
    {
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            if (_child.TryWait(out WaitStatus ended))
                throw new InvalidOperationException($"the program {ended} ({_title}, epoch {epoch})");
            Checkpoint((ulong)epoch);
            while (_undecided.Count > _random.Next(3))
                Decide();
        }

        return _report;
    }

    private void Decide()
    {
        ulong interval = _undecided.Dequeue();
        if (_random.Next(8) == 0)
        {
            _undecided.Clear();
            _contents.Failed(interval);
            _sink.Failed(interval);
        }
        else
        {
            _contents.Committed(interval);
            _sink.Committed(interval);
        }
    }

    private void Checkpoint(ulong interval)
    {
        _ids.Begin();
        _contents.Begin();
        for (int pass = _random.Next(3); pass > 0; pass--)
        {
            List();
            _report += TrackingReport.None with { PagesCopied = (long)_contents.LivePass(_objects.Objects, _ids, _sink) };
            if (_random.Next(6) != 0)
                continue;
            // What breaks off is begun again.
            _contents.Abandon();
            _sink.Abandon();
            _ids.Begin();
            _contents.Begin();
        }

        if (_frozen.Freeze(Deadline.Never).Outcome != FreezeOutcome.Frozen)
            throw new InvalidOperationException("cannot freeze the program");
        StopOthers();
        List();
        ulong dirty = _contents.ScanFrozen(_objects.Objects, _ids);
        _runs.Clear();
        (ulong offset, _) = _sink.AcquirePause(0);
        long copied = (long)_contents.CopyFrozen(_sink.Memory, offset, _runs) >> PageRange.PageShift;
        _contents.PublishFrozen(_sink);
        _sink.PublishPause(CollectionsMarshal.AsSpan(_runs));
        foreach (SpaceId removed in _ids.Removed)
            _sink.PublishRemoved(removed);
        _report += TrackingReport.None with { Epochs = 1, PagesCopied = copied, PagesWrong = copied == (long)dirty ? 0 : 1 };
        Compare();
        foreach (ProcStat other in Others())
            Signal(other.Pid, Kernel.Abi.Signal.SIGCONT);
        _frozen.Thaw();
        _contents.End(interval);
        _ids.End(interval);
        _sink.End(interval);
        _undecided.Enqueue(interval);
    }

    private void List()
    {
        if (!_maps.TryRead(_mappings) || !_descriptors.TryRead())
            throw new InvalidOperationException("the program is gone");
        new DescriptorRules(_descriptors, new FileReach(), new TreeView(), []).Apply();
        _objects.List(_descriptors, _mappings);
    }

    private IEnumerable<ProcStat> Others() => ProcessTable.ReadAll().Where(process => process.Session == _child.Pid && process.Pid != _child.Pid);

    // The target stands still, so nobody new comes.
    private void StopOthers()
    {
        foreach (ProcStat other in Others())
            Signal(other.Pid, Kernel.Abi.Signal.SIGSTOP);
        while (Others().Any(other => other.State != 'T' && !other.IsDead))
            Thread.Yield();
    }

    private static void Signal(int pid, int signal)
    {
        using ProcessHandle? handle = ProcessHandle.OpenOrGone(pid);
        handle?.TrySignal(signal);
    }

    private void Compare()
    {
        var spaces = new HashSet<SpaceId>();
        var actual = new byte[PageRange.PageSize];
        foreach (SharedObject shared in _objects.Objects)
        {
            SpaceId space = _ids.SharedObject(shared.Device, shared.Inode);
            spaces.Add(space);
            Dictionary<ulong, byte[]> kept = _sink.Pages(space);
            using FileDescriptor file = FileDescriptor.Open(shared.Mapping is { } mapping
                ? string.Create(CultureInfo.InvariantCulture, $"/proc/{_child.Pid}/map_files/{mapping.Start:x}-{mapping.End:x}")
                : string.Create(CultureInfo.InvariantCulture, $"/proc/{_child.Pid}/fd/{shared.Descriptor}"), Fcntl.O_RDONLY);
            ulong pages = (shared.Length + PageRange.PageSize - 1) >> PageRange.PageShift;
            for (ulong page = 0; page < pages; page++)
            {
                actual.AsSpan().Clear();
                file.TryReadAt(page << PageRange.PageShift, actual).OrThrow("read shared memory");
                ReadOnlySpan<byte> given = kept.GetValueOrDefault(page);
                bool isRight = given.IsEmpty ? actual.AsSpan().IndexOfAnyExcept((byte)0) < 0 : given.SequenceEqual(actual);
                if (!isRight)
                    Wrong($"page {page} of {shared}: kept {(given.IsEmpty ? "nothing" : Convert.ToHexStringLower(given[..16]))}, is {Convert.ToHexStringLower(actual.AsSpan(0, 16))}");
                UInt128 sum = actual.AsSpan().IndexOfAnyExcept((byte)0) < 0 ? 0 : PageSums.Of(actual);
                if (_sums.GetValueOrDefault((space, page)) != sum)
                    _report += TrackingReport.None with { PagesChanged = 1 };
                _sums[(space, page)] = sum;
            }

            foreach (ulong page in kept.Keys.Where(page => page >= pages))
                Wrong($"page {page} lies behind the end of {shared}");
            _report += TrackingReport.None with { PagesCompared = (long)pages };
        }

        foreach (SpaceId space in _sink.Spaces.Where(space => !spaces.Contains(space)).ToList())
            Wrong($"space {space} exists no more");
    }

    private void Wrong(string what)
    {
        string first = _report.PagesWrong > 0 ? "" : $"{_title}, epoch {_report.Epochs}: {what}\n";
        _report += TrackingReport.None with { PagesWrong = 1, FirstWrong = first };
    }
}

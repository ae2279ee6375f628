using System.Runtime.InteropServices;
using Snap.Engine.Rescue;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Terminals;
using Snap.Restorer;
using Snap.Store;

namespace Snap.Engine;

/// <summary>Runs a command as our own child, with our own 0, 1, 2, and takes checkpoints of it meanwhile.</summary>
/// <remarks>
/// The child stays in our process group: what the terminal sends to the foreground (Ctrl-C, Ctrl-Z, its resizing) reaches it by itself, and a shell's job
/// control works on both. Signals that are sent to us alone are passed on. Orphans of the command become our children, and are reaped.
/// </remarks>
public sealed class CommandRun
{
    private static readonly PosixSignal[] _forwarded =
    [
        PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGINT, PosixSignal.SIGQUIT, (PosixSignal)Signal.SIGUSR1, (PosixSignal)Signal.SIGUSR2,
    ];

    private readonly IEngine _engine;
    private readonly RunOptions _options;
    private volatile SnapshotInfo? _last;

    private CommandRun(IEngine engine, RunOptions options) => (_engine, _options) = (engine, options);

    /// <summary>Runs the command to its end.</summary>
    /// <exception cref="SnapException">S0705: it could not be started. S0514: the name can't be used.</exception>
    public static RunResult Run(IEngine engine, RunOptions options) => new CommandRun(engine, options).Run();

    private RunResult Run()
    {
        if (_options.Name is not null)
            Names.Check(_options.Name);
        OwnProcess.AdoptOrphans();
        using var signals = new Forwarding();
        ChildProcess child = StartChild();
        signals.To(child);
        var rescue = _options.OnExit is { } options ? new RescueBudget(options) : null;
        WatchStatus? watched = null;
        while (true)
        {
            long start = Environment.TickCount64;
            (WaitStatus exit, WatchStatus? round, SnapException? failure) = RunOnce(child, signals);
            watched = Together(watched, round);
            OrphanReaper.Reap();
            if (rescue is null || (_last ?? watched?.Last) is not { } last || !RescueBudget.IsFailure(exit) || signals.WasAskedToEnd
                || BringBack(rescue, last, exit, TimeSpan.FromMilliseconds(Environment.TickCount64 - start), signals) is not { } restored)
                return new RunResult(child.Pid, exit, watched, failure);
            child = restored;
        }
    }

    private (WaitStatus Exit, WatchStatus? Watch, SnapException? Failure) RunOnce(ChildProcess child, Forwarding signals)
    {
        using var ended = new CancellationTokenSource();
        WatchResult? watch = null;
        SnapException? failure = null;
        Thread? watcher = null;
        if (_options.Every is { } every)
        {
            watcher = new Thread(() => Watch(child.Pid, every, ended.Token, out watch, out failure)) { Name = "snap-watch" };
            watcher.Start();
        }

        WaitStatus exit = child.Wait();
        // What comes from here on is for the next one, if there is one: ending the watch may take a while.
        signals.To(null);
        ended.Cancel();
        watcher?.Join();
        return (exit, watch?.Status, failure);
    }

    private static WatchStatus? Together(WatchStatus? before, WatchStatus? now) => before is null || now is null ? now ?? before : now with
    {
        Name = now.Name ?? before.Name, Snapshots = before.Snapshots + now.Snapshots, Missed = before.Missed + now.Missed,
        BytesStored = before.BytesStored + now.BytesStored, Elapsed = before.Elapsed + now.Elapsed, Last = now.Last ?? before.Last,
    };

    /// <returns>Null if it is not brought back: that failed too often, or a signal came meanwhile that would have ended it.</returns>
    private ChildProcess? BringBack(RescueBudget budget, SnapshotInfo snapshot, WaitStatus exit, TimeSpan ran, Forwarding signals)
    {
        ChildProcess? child = null;
        try
        {
            RescuedTarget? rescued = budget.BringBack(snapshot, exit, ran, signals.WaitForEnd, () =>
            {
                using StoreReader store = StoreReader.Open(_options.StoreDirectory);
                using RestoredProcess restored = SnapshotRestore.Restore(_options.StoreDirectory, store, snapshot.Id, new RestoreOptions { Files = _options.OnExit!.Files });
                restored.Release();
                signals.To(child = restored.Child);
                return restored.Notices;
            }, _options.OnRescueFailure);
            if (rescued is not null)
                _options.OnRescued(rescued);
        }
        catch (SnapException givenUp) when (givenUp.Kind == ErrorCatalogue.RescueGivenUp)
        {
            _options.OnRescueFailure(givenUp);
        }

        return child;
    }

    private ChildProcess StartChild()
    {
        try
        {
            return ChildProcess.Start(new SpawnOptions { Program = _options.Command[0], Arguments = [.. _options.Command.Skip(1)], KeepIgnored = true });
        }
        catch (KernelException failed)
        {
            throw new SnapException(ErrorCatalogue.CommandNotStarted, $"cannot run {_options.Command[0]}", why: failed.Errno.ToString(),
                toDo: failed.Errno == Errno.ENOENT ? "see that the program exists, by its path or in PATH" : null, inner: failed);
        }
    }

    // The watch may fail long before the command does.
    private void Note(SnapshotInfo snapshot)
    {
        _last = snapshot;
        _options.OnSnapshot(snapshot);
    }

    private void Watch(int pid, TimeSpan every, CancellationToken ended, out WatchResult? result, out SnapException? failure)
    {
        (result, failure) = (null, null);
        try
        {
            result = _engine.Watch(pid, new WatchOptions
            {
                Every = every, Name = _options.Name, Durability = _options.Durability, Exclude = _options.Exclude, MaxPause = _options.MaxPause, RetryFromTheStart = true, OnStatus = _options.OnStatus,
                OnSnapshot = Note, OnGap = _options.OnGap, OnGapFailure = _options.OnGapFailure, Keep = _options.Keep, OnKeepFailure = _options.OnKeepFailure,
            }, ended);
        }
        catch (SnapException failed)
        {
            // The command must not suffer for it: it runs on, and the user is told at the end.
            failure = failed;
        }
    }

    /// <summary>Passes signals on to the child, and reaps orphans, until disposed. What comes before there is a child is kept for it: ended by it, we would leave the child alone.</summary>
    private sealed class Forwarding : IDisposable
    {
        private readonly List<PosixSignalRegistration> _registrations = [];
        private readonly Lock _gate = new();
        private readonly List<int> _kept = [];
        // What service managers allow, and a little more.
        private const long LongestGoodbyeMs = 120_000;

        private readonly ManualResetEventSlim _came = new();
        private ChildProcess? _child;
        private long _askedAt = long.MinValue / 2;

        public Forwarding()
        {
            foreach (PosixSignal signal in _forwarded)
            {
                int number = Number(signal);
                _registrations.Add(PosixSignalRegistration.Create(signal, context =>
                {
                    context.Cancel = true;
                    Pass(number);
                }));
            }

            _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGCHLD, _ => OrphanReaper.Reap()));
        }

        /// <summary>Whom they go to from now on; null: they are kept for the next.</summary>
        public void To(ChildProcess? child)
        {
            lock (_gate)
            {
                _child = child;
                if (child is not null)
                    _kept.ForEach(child.Signal);
                _kept.Clear();
            }
        }

        /// <summary>A signal has come lately that asks to end, whatever the child made of it: it is not to be brought back after that.</summary>
        public bool WasAskedToEnd => Environment.TickCount64 - Volatile.Read(ref _askedAt) < LongestGoodbyeMs;

        /// <summary>Waits for such a signal.</summary>
        /// <returns>False if none came in time.</returns>
        public bool WaitForEnd(TimeSpan time)
        {
            lock (_gate)
            {
                if (!WasAskedToEnd)
                    _came.Reset();
            }

            return _came.Wait(time);
        }

        private void Pass(int number)
        {
            lock (_gate)
            {
                if (number is not Signal.SIGHUP && RescueBudget.IsOnPurpose(number))
                {
                    Volatile.Write(ref _askedAt, Environment.TickCount64);
                    _came.Set();
                }

                if (_child is null)
                    _kept.Add(number);
                // The terminal has sent these to every process of the foreground group, the child among them.
                else if (number is not (Signal.SIGINT or Signal.SIGQUIT) || !Terminal.IsForeground)
                    _child.Signal(number);
            }
        }

        public void Dispose()
        {
            _registrations.ForEach(registration => registration.Dispose());
            _came.Dispose();
        }

        private static int Number(PosixSignal signal) => signal switch
        {
            PosixSignal.SIGTERM => Signal.SIGTERM,
            PosixSignal.SIGHUP => Signal.SIGHUP,
            PosixSignal.SIGINT => Signal.SIGINT,
            PosixSignal.SIGQUIT => Signal.SIGQUIT,
            _ => (int)signal,
        };
    }
}

using System.Runtime.InteropServices;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Terminals;

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

    private CommandRun(IEngine engine, RunOptions options) => (_engine, _options) = (engine, options);

    /// <summary>Runs the command to its end.</summary>
    /// <exception cref="SnapException">S0705: it could not be started. S0514: the name can't be used.</exception>
    public static RunResult Run(IEngine engine, RunOptions options) => new CommandRun(engine, options).Run();

    private RunResult Run()
    {
        if (_options.Name is not null)
            Store.Names.Check(_options.Name);
        OwnProcess.AdoptOrphans();
        using var ended = new CancellationTokenSource();
        using var signals = new Forwarding();
        ChildProcess child = StartChild();
        signals.To(child);
        WatchResult? watch = null;
        SnapException? failure = null;
        Thread? watcher = null;
        if (_options.Every is { } every)
        {
            watcher = new Thread(() => Watch(child.Pid, every, ended.Token, out watch, out failure)) { Name = "snap-watch" };
            watcher.Start();
        }

        WaitStatus exit = child.Wait();
        ended.Cancel();
        watcher?.Join();
        OrphanReaper.Reap();
        return new RunResult(child.Pid, exit, watch?.Status, failure);
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

    private void Watch(int pid, TimeSpan every, CancellationToken ended, out WatchResult? result, out SnapException? failure)
    {
        (result, failure) = (null, null);
        try
        {
            result = _engine.Watch(pid, new WatchOptions
            {
                Every = every, Name = _options.Name, Durability = _options.Durability, RetryFromTheStart = true, OnStatus = _options.OnStatus,
                OnSnapshot = _options.OnSnapshot, Keep = _options.Keep, OnKeepFailure = _options.OnKeepFailure,
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
        private ChildProcess? _child;

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

        public void To(ChildProcess child)
        {
            lock (_gate)
            {
                _child = child;
                _kept.ForEach(child.Signal);
            }
        }

        private void Pass(int number)
        {
            lock (_gate)
            {
                if (_child is null)
                    _kept.Add(number);
                // The terminal has sent these to every process of the foreground group, the child among them.
                else if (number is not (Signal.SIGINT or Signal.SIGQUIT) || !Terminal.IsForeground)
                    _child.Signal(number);
            }
        }

        public void Dispose() => _registrations.ForEach(registration => registration.Dispose());

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

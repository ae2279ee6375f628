using Snap.Dumper.Host;
using Snap.Image;
using Snap.Kernel.Processes;
using Snap.Restorer;
using Snap.Store;

namespace Snap.Engine;

/// <summary>Owns a store for writing: sessions that take snapshots of processes into it, and restores from it.</summary>
/// <remarks>Safe from several threads; each session works on its own.</remarks>
public sealed class SnapEngine : IDisposable
{
    private readonly StoreWriter _writer;
    private readonly RestoredRecords _restored;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TargetSession> _sessions = [];

    private SnapEngine(string storeDirectory, StoreWriter writer, EngineOptions options)
    {
        (StoreDirectory, _writer, Options) = (storeDirectory, writer, options);
        _restored = new RestoredRecords(storeDirectory);
    }

    /// <summary>The store's directory.</summary>
    public string StoreDirectory { get; }

    /// <summary>A reader that sees everything committed so far.</summary>
    public StoreReader Reader => _writer.Reader;

    internal EngineOptions Options { get; }

    /// <summary>Opens a store for writing; makes one if the directory is missing or empty.</summary>
    /// <exception cref="SnapException">Another process writes it, or it can't be opened.</exception>
    public static SnapEngine Open(string storeDirectory, EngineOptions? options = null)
    {
        options ??= new EngineOptions();
        OwnProcess.ForbidDumps();
        string directory = Path.GetFullPath(storeDirectory);
        var engine = new SnapEngine(directory, StoreWriter.Open(directory, options.Store), options);
        engine._restored.RemoveDead();
        return engine;
    }

    /// <summary>Attaches a tracer to a process.</summary>
    /// <param name="pid">Its pid.</param>
    /// <param name="name">The chain its snapshots go to; null for the one in use for this very process, or else its command's name.</param>
    /// <exception cref="SnapException">It can't be captured (every reason is told), or the name can't be used. The target is as it was.</exception>
    public TargetSession Track(int pid, string? name = null)
    {
        TargetIdentity target = TargetIdentity.OfOrGone(pid)
            ?? throw new SnapException(ErrorCatalogue.TargetNotFound, $"there is no process {pid}", $"/proc/{pid}", "it doesn't exist, or has ended", "see ps for the processes there are");
        TargetSession session;
        lock (_gate)
        {
            ChainChoice chain = ChainChoice.Make(Reader, _restored, target, name);
            if (_sessions.ContainsKey(chain.Name))
                throw new SnapException(ErrorCatalogue.NameInUse, $"the name {chain.Name} is being written by another session", toDo: "choose another with --name");
            session = new TargetSession(this, target, chain);
            _sessions.Add(chain.Name, session);
        }

        try
        {
            session.Attach();
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Brings a snapshot back to life; see <see cref="SnapshotRestore"/>.</summary>
    /// <exception cref="SnapException">It can't be restored; every reason is told. Nothing is left running.</exception>
    public RestoredProcess Restore(SnapshotId snapshot, RestoreOptions options) => SnapshotRestore.Restore(StoreDirectory, Reader, snapshot, options);

    /// <inheritdoc/>
    public void Dispose()
    {
        TargetSession[] open;
        lock (_gate)
            open = [.. _sessions.Values];
        foreach (TargetSession session in open)
            session.Dispose();
        _writer.Dispose();
    }

    /// <summary>Stores retention rules for a name; <see cref="Collect"/> applies them.</summary>
    public void SetPolicy(string name, RetentionPolicy? policy) => _writer.SetPolicy(name, policy);

    /// <summary>Collects garbage; sessions go on meanwhile.</summary>
    /// <exception cref="SnapException">Every snapshot would go, or the disk failed.</exception>
    public GarbageReport Collect(GarbageOptions options) => _writer.CollectGarbage(options);

    internal SnapshotBuilder Begin(string name, SnapshotId parent) => _writer.Begin(name, parent);

    internal TracerProcess StartTracer(AttachRequest request) =>
        Options.StartTracer is { } start ? start(request) : TracerProcess.Start(Options.Tracer, request);

    internal void Pass(FaultPoint point)
    {
        Fault.Hit(point);
        Options.OnPass(point);
    }

    internal void Forget(TargetSession session)
    {
        lock (_gate)
        {
            if (_sessions.GetValueOrDefault(session.Name) == session)
                _sessions.Remove(session.Name);
        }
    }
}

using System.Diagnostics.CodeAnalysis;
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
    private static readonly TimeSpan _changeOverPatience = TimeSpan.FromSeconds(5);

    private readonly StoreWriter _writer;
    private readonly RestoredRecords _restored;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TargetSession> _sessions = [];

    private SnapEngine(string storeDirectory, StoreWriter writer, EngineOptions options)
    {
        Orphans = new OrphanedTracers(storeDirectory);
        if (options.TracerPatience > TimeSpan.Zero)
            options = options with { Tracer = options.Tracer with { Meeting = new TracerMeeting(Orphans.Directories, options.TracerPatience) } };
        (StoreDirectory, _writer, Options) = (storeDirectory, writer, options);
        _restored = new RestoredRecords(storeDirectory);
    }

    /// <summary>The store's directory.</summary>
    public string StoreDirectory { get; }

    /// <summary>A reader that sees everything committed so far.</summary>
    public StoreReader Reader => _writer.Reader;

    internal EngineOptions Options { get; }

    /// <summary>Tracers of engines before this one.</summary>
    internal OrphanedTracers Orphans { get; }

    /// <summary>Sessions that end leave their tracers to the next engine.</summary>
    internal bool LeavesTracers { get; set; }

    /// <summary>Is told what became of them, in words for a log.</summary>
    internal Action<string> Tell { get; set; } = _ => { };

    /// <summary>The processes that are tracked now.</summary>
    public IReadOnlyList<TargetSession> Sessions
    {
        get
        {
            lock (_gate)
                return [.. _sessions.Values];
        }
    }

    /// <summary>Opens a store for writing; makes one if the directory is missing or empty, unless it must exist.</summary>
    /// <exception cref="SnapException">Another process writes it, or it can't be opened.</exception>
    public static SnapEngine Open(string storeDirectory, EngineOptions? options = null)
    {
        options ??= new EngineOptions();
        OwnProcess.ForbidDumps();
        string directory = Path.GetFullPath(storeDirectory);
        StoreWriter writer = options.MustExist ? StoreWriter.OpenExisting(directory, options.Store) : StoreWriter.Open(directory, options.Store);
        var engine = new SnapEngine(directory, writer, options);
        engine._restored.RemoveDead();
        return engine;
    }

    /// <summary>Attaches a tracer to a process, for one user.</summary>
    /// <param name="pid">Its pid.</param>
    /// <param name="name">The chain its snapshots go to; null for the one in use for this very process, or else its command's name.</param>
    /// <exception cref="SnapException">It can't be captured (every reason is told), or the name can't be used. The target is as it was.</exception>
    public TargetSession Track(int pid, string? name = null)
    {
        TargetIdentity target = Identify(pid);
        TargetSession? session;
        lock (_gate)
        {
            if (!TryAdd(target, name, out session))
                throw NameBusy(session.Name);
            session.Users = 1;
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

    /// <summary>Uses the session of a process together with others; attaches a tracer if there is none.</summary>
    /// <param name="pid">Its pid.</param>
    /// <param name="name">The chain its snapshots go to; null for the one in use for this very process, or else its command's name.</param>
    /// <exception cref="SnapException">As <see cref="Track"/>; S0704 also if it is being tracked under another name.</exception>
    public SessionLease Borrow(int pid, string? name = null)
    {
        SessionLease lease = BorrowUnattached(Identify(pid), name);
        try
        {
            lease.Session.Attach();
            return lease;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>Goes on with the tracers that an engine before this one left behind, as if their targets had just been used; those that don't fit let theirs go.</summary>
    public void AdoptTracers()
    {
        foreach ((int pid, ulong startTime) in Orphans.Targets())
        {
            if (TargetIdentity.OfOrGone(pid) is not { } target || target.StartTime != startTime)
            {
                LetGo(pid, startTime);
                continue;
            }

            try
            {
                using SessionLease lease = BorrowUnattached(target, null);
                lease.StaysTracked = lease.Session.TryAdopt();
            }
            catch (SnapException failed)
            {
                // Its target's next use tries again.
                Tell($"pid {pid}: can't go on with its tracer yet: {failed.What}{(failed.Why is { } why ? $" ({why})" : "")}");
            }
        }
    }

    /// <summary>Breaks off without a word to the tracers, as the end of this process would; to be disposed of then.</summary>
    internal void Leave()
    {
        foreach (TargetSession session in Sessions)
            session.Leave();
    }

    /// <summary>Lets go those that nobody has used for so long, and those whose target has ended.</summary>
    public void ReleaseIdle(TimeSpan limit)
    {
        long now = Environment.TickCount64;
        Release(session => session.TargetGone || now - session.IdleSince >= limit.TotalMilliseconds);
    }

    /// <summary>Brings a snapshot back to life; see <see cref="SnapshotRestore"/>.</summary>
    /// <exception cref="SnapException">It can't be restored; every reason is told. Nothing is left running.</exception>
    public RestoredProcess Restore(SnapshotId snapshot, RestoreOptions options) => SnapshotRestore.Restore(StoreDirectory, Reader, snapshot, options);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TargetSession session in Sessions)
            session.Dispose();
        _writer.Dispose();
    }

    /// <summary>Stores retention rules for a name; <see cref="Collect"/> applies them.</summary>
    public void SetPolicy(string name, RetentionPolicy? policy) => _writer.SetPolicy(name, policy);

    /// <summary>Collects garbage; sessions go on meanwhile.</summary>
    /// <exception cref="SnapException">Every snapshot would go, or the disk failed.</exception>
    public GarbageReport Collect(GarbageOptions options)
    {
        try
        {
            return _writer.CollectGarbage(options);
        }
        finally
        {
            SuspectParents();
        }
    }

    /// <summary>Deletes snapshots; those that build on them stay whole.</summary>
    /// <exception cref="SnapException">One is pinned; none is deleted then.</exception>
    public void Remove(IReadOnlyCollection<SnapshotId> snapshots)
    {
        _writer.Remove(snapshots);
        SuspectParents();
    }

    /// <summary>Names a snapshot by a tag, which also pins it.</summary>
    /// <exception cref="SnapException">The tag can't be used.</exception>
    public void Tag(SnapshotId snapshot, string tag) => _writer.Tag(snapshot, tag);

    /// <summary>Removes a tag; false if there is none of this name.</summary>
    public bool Untag(string tag) => _writer.Untag(tag);

    internal SnapshotBuilder Begin(string name, SnapshotId parent, Durability? durability) => _writer.Begin(name, parent, durability);

    internal TracerProcess StartTracer(AttachRequest request) =>
        Options.StartTracer is { } start ? start(request) : TracerProcess.Start(Options.Tracer, request);

    /// <summary>The newest snapshot there is of a process.</summary>
    internal SnapshotInfo? NewestOf(TargetIdentity target) => ChainChoice.NewestOf(Reader.Snapshots.Reverse(), target);

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

    internal void Return(TargetSession session, bool staysTracked)
    {
        lock (_gate)
        {
            session.IdleSince = Environment.TickCount64;
            if (--session.Users > 0 || (staysTracked && !session.TargetGone))
                return;
            Forget(session);
        }

        session.Dispose();
    }

    // The process has ended, so its tracer is about to.
    private void LetGo(int pid, ulong startTime)
    {
        foreach (OrphanTracer orphan in Orphans.Of(pid, startTime))
        {
            using (orphan)
                orphan.LetGo();
        }
    }

    private static TargetIdentity Identify(int pid) => TargetIdentity.OfOrGone(pid)
        ?? throw new SnapException(ErrorCatalogue.TargetNotFound, $"there is no process {pid}", $"/proc/{pid}", "it doesn't exist, or has ended", "see ps for the processes there are");

    private static SnapException NameBusy(string name) =>
        new(ErrorCatalogue.NameInUse, $"the name {name} is being written by another session", toDo: "choose another with --name");

    private SessionLease BorrowUnattached(TargetIdentity target, string? name)
    {
        for (long end = Environment.TickCount64 + (long)_changeOverPatience.TotalMilliseconds; ; Thread.Sleep(5))
        {
            // What is only kept for a next use must not stand in the way of one.
            Release(session => session.TargetGone || (session.Target == target && name is not null && session.Name != name));
            lock (_gate)
            {
                TargetSession? session = _sessions.Values.FirstOrDefault(known => known.Target == target);
                if (session is not null && name is not null && session.Name != name)
                {
                    throw new SnapException(ErrorCatalogue.NameInUse, $"process {target.Pid} is being recorded as {session.Name}", $"pid {target.Pid}",
                        "it is watched under that name", "leave --name out, or end the watch first");
                }

                if (session is not null || TryAdd(target, name, out session))
                {
                    session.Users++;
                    return new SessionLease(this, session);
                }

                // The one before it under this name has ended, and its watch is about to notice.
                if (!session.TargetGone || Environment.TickCount64 >= end)
                    throw NameBusy(session.Name);
            }
        }
    }

    /// <summary>Under the gate: a new session; or, false, the one that has its name.</summary>
    private bool TryAdd(TargetIdentity target, string? name, [NotNull] out TargetSession? session)
    {
        ChainChoice chain = ChainChoice.Make(Reader, _restored, target, name);
        if (_sessions.TryGetValue(chain.Name, out session) && name is null && !session.TargetGone)
            chain = chain.ForPid(target.Pid);
        if (_sessions.TryGetValue(chain.Name, out session))
            return false;
        session = new TargetSession(this, target, chain);
        _sessions.Add(chain.Name, session);
        return true;
    }

    private void Release(Func<TargetSession, bool> chosen)
    {
        TargetSession[] released;
        lock (_gate)
        {
            released = [.. _sessions.Values.Where(session => session.Users == 0 && chosen(session))];
            foreach (TargetSession session in released)
                _sessions.Remove(session.Name);
        }

        foreach (TargetSession session in released)
            session.Dispose();
    }

    private void SuspectParents()
    {
        foreach (TargetSession session in Sessions)
            session.SuspectParent();
    }
}

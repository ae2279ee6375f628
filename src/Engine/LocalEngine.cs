using Snap.Image;
using Snap.Store;

namespace Snap.Engine;

/// <summary>What commands ask for, done in this process.</summary>
/// <param name="engine">Does it.</param>
/// <param name="owns">Whether the engine ends with this object.</param>
public sealed class LocalEngine(SnapEngine engine, bool owns = true) : IEngine
{
    /// <summary>Whether a process stays tracked after a take, for the next one's sake.</summary>
    public bool KeepsTracers { get; init; }

    /// <inheritdoc/>
    public SnapshotInfo Take(TakeOptions options)
    {
        using SessionLease lease = engine.Borrow(options.Pid, options.Name);
        SnapshotInfo taken = lease.Session.TakeInTurn(options.Durability, options.MaxPause, options.Exclude);
        lease.StaysTracked = KeepsTracers;
        return taken;
    }

    /// <inheritdoc/>
    public WatchResult Watch(int pid, WatchOptions options, CancellationToken cancellation)
    {
        using var loop = new WatchLoop(engine, pid, options);
        return loop.Run(cancellation);
    }

    /// <inheritdoc/>
    public GarbageReport Collect(CollectOptions options)
    {
        if (options.Name is { } wanted && engine.Reader.Snapshots.All(snapshot => snapshot.Name != wanted))
            throw new SnapException(ErrorCatalogue.SnapshotNotFound, $"there is no snapshot named '{wanted}'", why: "no snapshot of the store has this name", toDo: "`snap log` lists all");
        RetentionPolicy policy = options.Policy;
        GarbageReport report = engine.Collect(new GarbageOptions
        {
            Policy = policy.IsEmpty ? options.Save ? new RetentionPolicy() : null : policy,
            Name = options.Name,
            MaxBytes = options.MaxBytes,
            MayDeleteAll = options.MayDeleteAll,
            DryRun = options.DryRun,
            Progress = options.Progress,
        });
        if (options.Save && !options.DryRun)
        {
            foreach (string name in options.Name is { } one ? [one] : report.Decisions.Select(decision => decision.Snapshot.Name).Distinct())
                engine.SetPolicy(name, policy.IsEmpty ? null : policy);
        }

        return report;
    }

    /// <inheritdoc/>
    public IReadOnlyList<SnapshotInfo> Remove(IReadOnlyList<string> references, bool dryRun)
    {
        DateTimeOffset now = DateTimeOffset.Now;
        StoreReader reader = engine.Reader;
        SnapshotInfo[] chosen = [.. references.Select(reference => reader.Resolve(reference, now)).DistinctBy(snapshot => snapshot.Id)];
        if (!dryRun)
            engine.Remove([.. chosen.Select(snapshot => snapshot.Id)]);
        return chosen;
    }

    /// <inheritdoc/>
    public SnapshotInfo Tag(string reference, string tag)
    {
        SnapshotInfo snapshot = engine.Reader.Resolve(reference, DateTimeOffset.Now);
        engine.Tag(snapshot.Id, tag);
        return snapshot;
    }

    /// <inheritdoc/>
    public void Untag(string tag)
    {
        if (engine.Untag(tag))
            return;
        string[] tags = [.. engine.Reader.Tags.Select(known => known.Tag)];
        throw new SnapException(ErrorCatalogue.SnapshotNotFound, $"there is no tag '{tag}'",
            why: tags.Length == 0 ? "the store has no tags" : $"the store has the tags {string.Join(", ", tags.Take(20))}", toDo: "`snap log` shows the tags");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (owns)
            engine.Dispose();
    }
}

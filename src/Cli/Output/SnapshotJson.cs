using Snap.Engine;
using Snap.Store;

namespace Snap.Cli.Output;

/// <summary>A snapshot as take, watch and log print it.</summary>
internal sealed record SnapshotJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>32 hex digits.</summary>
    public required string Id { get; init; }
    /// <summary>Orders the snapshots of one name.</summary>
    public required ulong Seq { get; init; }
    /// <summary>The chain.</summary>
    public required string Name { get; init; }
    /// <summary>Pid of the tree's root.</summary>
    public required int Pid { get; init; }
    /// <summary>Processes in it.</summary>
    public required int Processes { get; init; }
    /// <summary>Id of the snapshot it is an increment of, or that came before it; null for the first.</summary>
    public required string? Parent { get; init; }
    /// <summary>ISO 8601, UTC.</summary>
    public required DateTimeOffset Time { get; init; }
    /// <summary>Machine.</summary>
    public required string Host { get; init; }
    /// <summary>Boot.</summary>
    public required string BootId { get; init; }
    /// <summary>First thread stopped to last thread resumed.</summary>
    public required long PauseMicroseconds { get; init; }
    /// <summary>How dirty pages were found.</summary>
    public required string Tracker { get; init; }
    /// <summary>Holds every page, not only those written since the parent.</summary>
    public required bool Full { get; init; }
    /// <summary>Pages found dirty.</summary>
    public required long PagesDirty { get; init; }
    /// <summary>Pages that had to be stored.</summary>
    public required long PagesStored { get; init; }
    /// <summary>Bytes added to the store.</summary>
    public required long BytesStored { get; init; }
    /// <summary>Ticks of the watch that were missed before it.</summary>
    public required long Missed { get; init; }
    /// <summary>Threads of all processes.</summary>
    public required int Threads { get; init; }
    /// <summary>The root's command line.</summary>
    public required string Command { get; init; }
    /// <summary>Fallbacks and exceptions.</summary>
    public required IReadOnlyList<string> Notices { get; init; }

    /// <summary>Puts together what the store and the engine know.</summary>
    public static SnapshotJson Of(SnapshotInfo snapshot)
    {
        SnapshotFacts facts = SnapshotFacts.Of(snapshot);
        return new SnapshotJson
        {
            Id = snapshot.Id.ToString(),
            Seq = snapshot.Sequence,
            Name = snapshot.Name,
            Pid = facts.Pid,
            Processes = facts.Processes,
            Parent = snapshot.IsFull ? facts.Previous?.ToString() : snapshot.Parent.ToString(),
            Time = snapshot.Time.ToUniversalTime(),
            Host = facts.Host,
            BootId = facts.BootId,
            PauseMicroseconds = facts.PauseMicroseconds,
            Tracker = CliJson.Word(facts.Tracker),
            Full = facts.Full,
            PagesDirty = facts.PagesDirty,
            PagesStored = snapshot.Statistics.PagesStored,
            BytesStored = snapshot.Statistics.BytesStored,
            Missed = facts.Missed,
            Threads = facts.Threads,
            Command = facts.Command,
            Notices = facts.Notices,
        };
    }
}

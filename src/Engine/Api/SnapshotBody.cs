using System.Text;
using System.Text.Json;
using Snap.Image;
using Snap.Store;

namespace Snap.Engine.Api;

/// <summary>A snapshot as the API tells it.</summary>
internal sealed record SnapshotBody
{
    /// <summary>32 hex digits.</summary>
    public required SnapshotId Id { get; init; }
    /// <summary>The chain.</summary>
    public required string Name { get; init; }
    /// <summary>Orders the snapshots of one name.</summary>
    public required ulong Sequence { get; init; }
    /// <summary>What it is an increment of; null if it is full.</summary>
    public required SnapshotId? Parent { get; init; }
    /// <summary>Wall time of the moment.</summary>
    public required DateTimeOffset Time { get; init; }
    /// <summary>What became of the pages.</summary>
    public required SnapshotStatistics Statistics { get; init; }
    /// <summary>The <see cref="SnapshotFacts"/>.</summary>
    public required JsonElement Facts { get; init; }

    /// <summary>Of a snapshot.</summary>
    public static SnapshotBody Of(SnapshotInfo snapshot)
    {
        var facts = new Utf8JsonReader(snapshot.Facts.Span);
        return new SnapshotBody
        {
            Id = snapshot.Id, Name = snapshot.Name, Sequence = snapshot.Sequence, Parent = snapshot.IsFull ? null : snapshot.Parent, Time = snapshot.Time,
            Statistics = snapshot.Statistics, Facts = JsonElement.ParseValue(ref facts),
        };
    }

    /// <summary>The snapshot again.</summary>
    public SnapshotInfo ToInfo() => new(Id, Sequence, Name, Parent ?? SnapshotId.None, Time, Statistics, Encoding.UTF8.GetBytes(Facts.GetRawText()));
}

using System.Text.Json;
using System.Text.Json.Serialization;
using Snap.Image;
using Snap.Store;

namespace Snap.Engine;

/// <summary>What lists say of a snapshot besides what the store knows itself; kept as JSON in <see cref="SnapshotInfo.Facts"/>.</summary>
/// <remarks>Small, so that <c>snap log</c> of thousands needs no image. A reader ignores members that it doesn't know: they are for people, not for restoring.</remarks>
public sealed record SnapshotFacts
{
    /// <summary>Pid of the root of the tree.</summary>
    public required int Pid { get; init; }
    /// <summary>Start time of the root in clock ticks since boot; with pid and boot id it names one process for ever.</summary>
    public ulong StartTime { get; init; }
    /// <summary>Processes in the snapshot.</summary>
    public required int Processes { get; init; }
    /// <summary>Threads of them all.</summary>
    public int Threads { get; init; }
    /// <summary>The root's command line, for people, at most 256 characters.</summary>
    public string Command { get; init; } = "";
    /// <summary>uname nodename.</summary>
    public required string Host { get; init; }
    /// <summary>/proc/sys/kernel/random/boot_id.</summary>
    public required string BootId { get; init; }
    /// <summary>The snapshot before this one of the same process, also if this one is full and so has no parent in the store.</summary>
    public SnapshotId? Previous { get; init; }
    /// <summary>First thread stopped to last thread resumed.</summary>
    public required long PauseMicroseconds { get; init; }
    /// <summary>Which tracker found the dirty pages.</summary>
    public required TrackerKind Tracker { get; init; }
    /// <summary>Every present page was given, not only those written since the parent.</summary>
    public required bool Full { get; init; }
    /// <summary>Pages found dirty.</summary>
    public required long PagesDirty { get; init; }
    /// <summary>Ticks of a watch that were skipped or failed before this one.</summary>
    public long Missed { get; init; }
    /// <summary>Fallbacks and exceptions, one sentence each.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];

    /// <summary>As <see cref="SnapshotHeader.Facts"/> wants them.</summary>
    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, SnapshotFactsJson.Default.SnapshotFacts);

    /// <summary>Reads what <see cref="Encode"/> made.</summary>
    /// <exception cref="SnapException">S0521: the bytes are something else.</exception>
    public static SnapshotFacts Of(SnapshotInfo snapshot)
    {
        try
        {
            return JsonSerializer.Deserialize(snapshot.Facts.Span, SnapshotFactsJson.Default.SnapshotFacts) ?? throw new JsonException("null");
        }
        catch (JsonException broken)
        {
            throw new SnapException(ErrorCatalogue.ImageDamaged, $"cannot read the facts of snapshot {snapshot}", why: broken.Message,
                toDo: "was it made by another program, with the store as a library? `snap verify` looks for damage", inner: broken);
        }
    }
}

/// <summary>Serialisation code generated at build time, as NativeAOT needs.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(SnapshotFacts))]
internal sealed partial class SnapshotFactsJson : JsonSerializerContext;

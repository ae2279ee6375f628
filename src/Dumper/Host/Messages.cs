using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Snap.Image;

namespace Snap.Dumper.Host;

/// <summary>The first word of a tracer.</summary>
/// <param name="Protocol">Version of the protocol that it speaks.</param>
/// <param name="Version">Version of Snap, for messages to people.</param>
internal sealed record HelloMessage(int Protocol, string Version)
{
    /// <summary>Raised by every change to messages or shared memory.</summary>
    public const int CurrentProtocol = 2;

    public static string OwnVersion => typeof(HelloMessage).Assembly.GetName().Version?.ToString(3) ?? "unknown";
}

/// <summary>Attach.</summary>
/// <param name="Protocol">The engine's; the tracer's own.</param>
/// <param name="Request">To what.</param>
/// <param name="Layout">Of the memory for pages.</param>
/// <param name="SocketPath">Where a later engine finds the tracer; null: it ends with this one.</param>
/// <param name="PatienceMs">How long it waits for a later engine.</param>
internal sealed record StartMessage(int Protocol, AttachRequest Request, SharedLayout Layout, string? SocketPath = null, long PatienceMs = 0);

/// <summary>Go on with another engine.</summary>
internal sealed record AdoptMessage(int Protocol, SharedLayout Layout);

/// <summary>Attached.</summary>
internal sealed record AttachedMessage(TrackerKind Tracker);

/// <summary>Take a checkpoint.</summary>
/// <param name="Request">Which.</param>
/// <param name="Snapshot">What the store will name it.</param>
internal sealed record TakeMessage(CheckpointRequest Request, SnapshotId Snapshot);

/// <summary>A checkpoint was taken.</summary>
internal sealed record TakenMessage(ulong Interval, CheckpointSummary Summary);

/// <summary>A checkpoint was not taken.</summary>
/// <param name="Interval">Which.</param>
/// <param name="Error">Why.</param>
/// <param name="TargetGone">There won't be another.</param>
internal sealed record NotTakenMessage(ulong Interval, ErrorMessage Error, bool TargetGone);

/// <summary>A <see cref="SnapException"/> on its way to another process.</summary>
/// <param name="Id">Of the catalogue's entry.</param>
/// <param name="ExitCode">The entry's.</param>
/// <param name="Meaning">The entry's.</param>
/// <param name="What">What could not be done.</param>
/// <param name="Where">Where it was found.</param>
/// <param name="Why">The fact behind it.</param>
/// <param name="ToDo">What the user can do.</param>
/// <param name="Others">Further findings of the same check.</param>
public sealed record ErrorMessage(
    string Id, ExitCode ExitCode, string Meaning, string What, string? Where, string? Why, string? ToDo, IReadOnlyList<ErrorMessage> Others)
{
    /// <summary>Of an exception.</summary>
    public static ErrorMessage Of(SnapException error) => new(error.Kind.Id, error.Kind.ExitCode, error.Kind.Meaning,
        error.What, error.Where, error.Why, error.ToDo, [.. error.Others.Select(Of)]);

    /// <summary>The exception again; its kind equals the catalogue's, since kinds are compared by value.</summary>
    public SnapException ToException() => new(new ErrorKind(Id, ExitCode, Meaning), What, Where, Why, ToDo)
    {
        Others = [.. Others.Select(other => other.ToException())],
    };
}

/// <summary>Serialisation code generated at build time, as NativeAOT needs.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(HelloMessage))]
[JsonSerializable(typeof(StartMessage))]
[JsonSerializable(typeof(AttachedMessage))]
[JsonSerializable(typeof(TakeMessage))]
[JsonSerializable(typeof(TakenMessage))]
[JsonSerializable(typeof(NotTakenMessage))]
[JsonSerializable(typeof(ErrorMessage))]
[JsonSerializable(typeof(OrphanState))]
[JsonSerializable(typeof(AdoptMessage))]
internal sealed partial class MessageJson : JsonSerializerContext;

/// <summary>Messages that are JSON.</summary>
internal static class MessageCodec
{
    public static bool TryWrite<T>(this FrameSocket socket, FrameKind kind, T message, JsonTypeInfo<T> type) =>
        socket.TryWrite(kind, JsonSerializer.SerializeToUtf8Bytes(message, type));

    public static T Read<T>(this Frame frame, JsonTypeInfo<T> type) => Read(frame.Payload.Span, type);

    public static T Read<T>(ReadOnlySpan<byte> payload, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(payload, type) ?? throw new JsonException("null");
}

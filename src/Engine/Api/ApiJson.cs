using System.Text.Json.Serialization;

namespace Snap.Engine.Api;

/// <summary>The API's bodies; serialisation code generated at build time, as NativeAOT needs.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(TakeRequest))]
[JsonSerializable(typeof(WatchRequest))]
[JsonSerializable(typeof(CollectRequest))]
[JsonSerializable(typeof(RemoveRequest))]
[JsonSerializable(typeof(TagRequest))]
[JsonSerializable(typeof(StopRequest))]
[JsonSerializable(typeof(SnapshotBody))]
[JsonSerializable(typeof(RemoveAnswer))]
[JsonSerializable(typeof(StopAnswer))]
[JsonSerializable(typeof(WatchEvent))]
[JsonSerializable(typeof(CollectEvent))]
[JsonSerializable(typeof(EngineStatus))]
[JsonSerializable(typeof(IReadOnlyList<TrackedTarget>), TypeInfoPropertyName = "Targets")]
[JsonSerializable(typeof(TrackedTarget))]
[JsonSerializable(typeof(ErrorAnswer))]
[JsonSerializable(typeof(StartWord))]
internal sealed partial class ApiJson : JsonSerializerContext;

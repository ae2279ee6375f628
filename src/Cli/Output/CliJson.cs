using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Snap.Cli.Output;

/// <summary>Every shape that --json prints, and the code to print it, made at build time as NativeAOT needs.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ErrorReportJson))]
[JsonSerializable(typeof(CheckJson))]
[JsonSerializable(typeof(SnapshotJson))]
[JsonSerializable(typeof(IReadOnlyList<SnapshotJson>), TypeInfoPropertyName = "SnapshotList")]
[JsonSerializable(typeof(ShowJson))]
[JsonSerializable(typeof(RestoreJson))]
[JsonSerializable(typeof(RunJson))]
[JsonSerializable(typeof(DemoJson))]
[JsonSerializable(typeof(GcJson))]
[JsonSerializable(typeof(RmJson))]
[JsonSerializable(typeof(TagJson))]
[JsonSerializable(typeof(VerifyJson))]
[JsonSerializable(typeof(RepairJson))]
[JsonSerializable(typeof(StatsJson))]
[JsonSerializable(typeof(TargetJson))]
[JsonSerializable(typeof(IReadOnlyList<TargetJson>), TypeInfoPropertyName = "TargetList")]
[JsonSerializable(typeof(EngineJson))]
[JsonSerializable(typeof(EngineStopJson))]
internal sealed partial class CliJson : JsonSerializerContext
{
    // Made at the first use: the generated half's static members may not be there yet when this half's are made.
    private static CliJson? _readable;

    /// <summary>Version of the shapes: it rises when a member is removed or changes its meaning, not when one is added.</summary>
    public const int Schema = 1;

    /// <summary>The shapes, with quotes and letters of all scripts left readable: what is printed goes into no web page.</summary>
    public static CliJson Readable => _readable ??= new CliJson(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>One line of JSON.</summary>
    public static string Text<T>(T value, JsonTypeInfo<T> shape) => JsonSerializer.Serialize(value, shape);

    /// <summary>An enum's member as JSON and people see it: <c>write-protect</c>.</summary>
    public static string Word<T>(T member)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(member.ToString());
}

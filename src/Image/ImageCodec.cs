using System.Text.Json;
using System.Text.Json.Serialization;

namespace Snap.Image;

/// <summary>Turns a <see cref="SnapshotImage"/> into its stored bytes (UTF-8 JSON) and back.</summary>
/// <remarks>
/// A library's format, not one of ours, because kernel state is small, compresses and deltas well as text, and is what <c>show --json</c> prints.
/// Reading is strict: an unknown member, kind or required feature is an error, since leaving it out would restore something else than was dumped.
/// </remarks>
public static class ImageCodec
{
    /// <summary>The version this code writes, and the highest it reads.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Features of images that this code understands; see <see cref="SnapshotImage.Requires"/>.</summary>
    public static readonly IReadOnlySet<string> KnownFeatures = new HashSet<string>();

    /// <summary>Encodes an image.</summary>
    public static byte[] Encode(SnapshotImage image) => JsonSerializer.SerializeToUtf8Bytes(image, ImageJson.Default.SnapshotImage);

    /// <summary>Decodes what <see cref="Encode"/> made.</summary>
    /// <exception cref="SnapException">S0521: not an image; S0522: a newer version or feature.</exception>
    public static SnapshotImage Decode(ReadOnlySpan<byte> bytes)
    {
        SnapshotImage image;
        try
        {
            image = JsonSerializer.Deserialize(bytes, ImageJson.Default.SnapshotImage) ?? throw new JsonException("null");
        }
        catch (Exception broken) when (broken is JsonException or NotSupportedException)
        {
            throw new SnapException(ErrorCatalogue.ImageDamaged, "cannot read a snapshot's process image", why: broken.Message,
                toDo: "run `snap verify --read-data`; other snapshots are not affected", inner: broken);
        }

        string[] unknown = [.. image.Requires.Where(feature => !KnownFeatures.Contains(feature))];
        if (image.Version is < 1 or > CurrentVersion || unknown.Length > 0)
            throw new SnapException(ErrorCatalogue.ImageTooNew, "cannot read a snapshot made by a newer Snap",
                why: $"image version {image.Version} (known: {CurrentVersion}), unknown features: {(unknown.Length > 0 ? string.Join(", ", unknown) : "none")}",
                toDo: "use the version of Snap that made it, or a newer one");
        return image;
    }
}

/// <summary>Serialisation code generated at build time, as NativeAOT needs.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SnapshotImage))]
internal sealed partial class ImageJson : JsonSerializerContext;

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Snap.Image;

/// <summary>Names one space of pages, an address space, a shared-memory object or a file's contents, stably along a chain of snapshots.</summary>
/// <remarks>A number within one chain; 0 is never used. A manifest maps (space, page) to stored content.</remarks>
[JsonConverter(typeof(Converter))]
public readonly record struct SpaceId(uint Value) : IComparable<SpaceId>
{
    /// <inheritdoc/>
    public int CompareTo(SpaceId other) => Value.CompareTo(other.Value);

    /// <summary>As people read it: <c>space 3</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"space {Value}");

    /// <summary>In JSON: a number.</summary>
    public sealed class Converter : JsonConverter<SpaceId>
    {
        /// <inheritdoc/>
        public override SpaceId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetUInt32());

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, SpaceId value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
    }
}

using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Snap.Image;

/// <summary>Names one snapshot for ever: 128 random bits, written as 32 hex digits and shown to people as the first 8.</summary>
/// <remarks>Never changed by gc or by copying between stores; design.md, "Ids, references, times".</remarks>
[JsonConverter(typeof(Converter))]
public readonly record struct SnapshotId(UInt128 Value)
{
    /// <summary>Bytes of a stored id.</summary>
    public const int Size = 16;

    /// <summary>The id that stands for "no snapshot" in stored bytes; never given to one.</summary>
    public static SnapshotId None => default;

    /// <summary>The first 8 hex digits, as shown to people.</summary>
    public string Short => ToString()[..8];

    /// <summary>A new random id, never <see cref="None"/>.</summary>
    /// <remarks>
    /// From two GUIDs, whose bits come from the kernel: RandomNumberGenerator would load OpenSSL first, a tenth of a whole `snap take`. Six bits of a GUID
    /// are fixed, and lie elsewhere in the other one, which is turned by a quarter.
    /// </remarks>
    public static SnapshotId NewRandom()
    {
        Span<byte> one = stackalloc byte[Size], other = stackalloc byte[Size];
        do
        {
            Guid.NewGuid().TryWriteBytes(one);
            Guid.NewGuid().TryWriteBytes(other);
            for (int i = 0; i < Size; i++)
                one[i] ^= other[(i + (Size / 4)) % Size];
        }
        while (Read(one) == None);
        return Read(one);
    }

    /// <summary>Reads an id from its first <see cref="Size"/> bytes, most significant first.</summary>
    public static SnapshotId Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Writes the id as <see cref="Size"/> bytes, most significant first, so that the bytes in hex are the text.</summary>
    public void Write(Span<byte> bytes) => BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);

    /// <summary>Reads exactly 32 hex digits.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out SnapshotId id)
    {
        id = default;
        if (text is not { Length: 32 }
            || !UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 value))
            return false;
        id = new SnapshotId(value);
        return true;
    }

    /// <summary>32 lower-case hex digits.</summary>
    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);

    /// <summary>In JSON: 32 hex digits in a string.</summary>
    public sealed class Converter : JsonConverter<SnapshotId>
    {
        /// <inheritdoc/>
        public override SnapshotId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            TryParse(reader.GetString(), out SnapshotId id) ? id : throw new JsonException("a snapshot id has 32 hex digits");

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, SnapshotId value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}

using System.Buffers.Binary;
using System.Text;

namespace Snap.Store.Format;

/// <summary>Reads stored fields; every read is bounded by the bytes there are.</summary>
/// <remarks>Throws <see cref="FormatException"/> only; whoever knows the place turns it into the user's error.</remarks>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    private static readonly UTF8Encoding _strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; private set; }

    public readonly int Left => _bytes.Length - Position;

    public ReadOnlySpan<byte> Bytes(int count)
    {
        if (count < 0 || count > Left)
            throw new FormatException("the record ends too early");
        Position += count;
        return _bytes.Slice(Position - count, count);
    }

    public byte Byte() => Bytes(1)[0];

    public ushort U16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));

    public uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    public ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8));

    public ulong Varint()
    {
        // Most numbers take a byte or two, and slot tables have hundreds of thousands of them.
        if (Position < _bytes.Length && _bytes[Position] < 0x80)
            return _bytes[Position++];
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (Position >= _bytes.Length)
                throw new FormatException("the record ends too early");
            byte next = _bytes[Position++];
            ulong bits = next & 0x7Fu;
            if (shift == 63 && bits > 1)
                break;
            value |= bits << shift;
            if (next < 0x80)
            {
                // One spelling for each number, so that no bit of a record is free.
                if (next == 0 && shift > 0)
                    break;
                return value;
            }
        }
        throw new FormatException("a number is spelled wrongly");
    }

    /// <summary>A varint that must not exceed <paramref name="max"/>.</summary>
    public ulong Varint(ulong max)
    {
        ulong value = Varint();
        return value <= max ? value : throw new FormatException($"the number {value} is over its limit of {max}");
    }

    public uint Varint32() => (uint)Varint(uint.MaxValue);

    /// <summary>A count of items that take at least <paramref name="bytesEach"/> bytes each, so it is bounded by what is left.</summary>
    public int Count(int bytesEach = 1) => (int)Varint((ulong)(Left / bytesEach));

    public ReadOnlySpan<byte> Blob() => Bytes(Count());

    public string Text()
    {
        try
        {
            return _strictUtf8.GetString(Blob());
        }
        catch (ArgumentException)
        {
            throw new FormatException("a text is not UTF-8");
        }
    }

    /// <summary>A reader of what is left.</summary>
    public readonly ByteReader Rest() => new(_bytes[Position..]);

    /// <summary>Nothing may follow what was read.</summary>
    public readonly void End()
    {
        if (Left != 0)
            throw new FormatException($"{Left} bytes too many");
    }
}

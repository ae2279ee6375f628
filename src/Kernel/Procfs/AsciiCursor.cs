using System.Globalization;

namespace Snap.Kernel.Procfs;

/// <summary>Reads numbers and words of one text of /proc from left to right; every surprise is a <see cref="ProcfsFormatException"/>.</summary>
internal ref struct AsciiCursor(ReadOnlySpan<byte> text, string file)
{
    private readonly string _file = file;

    /// <summary>What has not been read yet.</summary>
    internal ReadOnlySpan<byte> Rest { get; private set; } = text;

    internal readonly bool AtEnd => Rest.IsEmpty;

    internal readonly ProcfsFormatException Unexpected(string wanted)
    {
        ReadOnlySpan<byte> excerpt = Rest[..Math.Min(Rest.Length, 40)];
        return new ProcfsFormatException(_file, AtEnd ? $"{wanted} expected at its end" : $"{wanted} expected before '{KernelText.Decode(excerpt)}'");
    }

    /// <summary>The next line without its newline; the last may lack it.</summary>
    internal bool TryLine(out ReadOnlySpan<byte> line)
    {
        line = default;
        if (AtEnd)
            return false;
        int end = Rest.IndexOf((byte)'\n');
        line = end < 0 ? Rest : Rest[..end];
        Rest = end < 0 ? default : Rest[(end + 1)..];
        return true;
    }

    internal void SkipBlanks()
    {
        int start = Rest.IndexOfAnyExcept((byte)' ', (byte)'\t');
        Rest = start < 0 ? default : Rest[start..];
    }

    /// <summary>Skips blanks, then reads up to the next blank; empty only at the end.</summary>
    internal ReadOnlySpan<byte> Word()
    {
        SkipBlanks();
        int end = Rest.IndexOfAny((byte)' ', (byte)'\t');
        ReadOnlySpan<byte> word = end < 0 ? Rest : Rest[..end];
        Rest = Rest[word.Length..];
        return word;
    }

    internal bool TrySkip(ReadOnlySpan<byte> literal)
    {
        if (!Rest.StartsWith(literal))
            return false;
        Rest = Rest[literal.Length..];
        return true;
    }

    internal void Expect(byte character)
    {
        if (AtEnd || Rest[0] != character)
            throw Unexpected(string.Create(CultureInfo.InvariantCulture, $"'{(char)character}'"));
        Rest = Rest[1..];
    }

    internal byte Byte()
    {
        if (AtEnd)
            throw Unexpected("a character");
        byte value = Rest[0];
        Rest = Rest[1..];
        return value;
    }

    internal ulong Hex() => Number(16);

    internal ulong Octal() => Number(8);

    internal ulong Decimal() => Number(10);

    internal uint Decimal32() => Narrow(Decimal());

    internal uint Hex32() => Narrow(Hex());

    /// <summary>A decimal number with an optional minus, of 64 bits either way.</summary>
    internal long Signed()
    {
        bool negative = TrySkip("-"u8);
        ulong magnitude = Decimal();
        if (magnitude > (ulong)long.MaxValue + (negative ? 1UL : 0UL))
            throw Unexpected("a signed number of 64 bits");
        return negative ? unchecked(-(long)magnitude) : (long)magnitude;
    }

    internal int Signed32()
    {
        long value = Signed();
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw Unexpected("a signed number of 32 bits");
    }

    /// <summary>A decimal number, a negative one as its two's complement: what C prints of one 64-bit field by %ld or %lu.</summary>
    internal ulong DecimalBits() => !AtEnd && Rest[0] == '-' ? unchecked((ulong)Signed()) : Decimal();

    /// <summary>Skips blanks, then <c>12 kB</c> as bytes.</summary>
    internal ulong Kilobytes()
    {
        SkipBlanks();
        ulong kilobytes = Decimal();
        if (!TrySkip(" kB"u8))
            throw Unexpected("' kB'");
        return kilobytes <= ulong.MaxValue / 1024 ? kilobytes * 1024 : throw Unexpected("a size of at most 64 bits");
    }

    /// <summary>Numbers to the end, blanks between them.</summary>
    internal List<ulong> Numbers()
    {
        var numbers = new List<ulong>();
        for (SkipBlanks(); !AtEnd; SkipBlanks())
            numbers.Add(DecimalBits());
        return numbers;
    }

    private readonly uint Narrow(ulong value) => value <= uint.MaxValue ? (uint)value : throw Unexpected("a number of 32 bits");

    private ulong Number(uint radix)
    {
        ulong value = 0;
        int digits = 0;
        for (; digits < Rest.Length && Digit(Rest[digits]) < radix; digits++)
        {
            UInt128 next = ((UInt128)value * radix) + Digit(Rest[digits]);
            if (next > ulong.MaxValue)
                throw Unexpected("a number of at most 64 bits");
            value = (ulong)next;
        }

        if (digits == 0)
            throw Unexpected(radix switch { 16 => "a hexadecimal number", 8 => "an octal number", _ => "a decimal number" });
        Rest = Rest[digits..];
        return value;
    }

    private static uint Digit(byte character) => character switch
    {
        >= (byte)'0' and <= (byte)'9' => character - (uint)'0',
        >= (byte)'a' and <= (byte)'f' => character - (uint)'a' + 10,
        >= (byte)'A' and <= (byte)'F' => character - (uint)'A' + 10,
        _ => uint.MaxValue,
    };
}

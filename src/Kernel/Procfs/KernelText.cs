using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Snap.Kernel.Procfs;

/// <summary>Names as the kernel gives them (any bytes but NUL) to strings and back, without losing a byte.</summary>
/// <remarks>
/// A byte that isn't part of valid UTF-8 becomes the lone surrogate U+DC00 + byte (U+DC80..U+DCFF), as Python's "surrogateescape" does;
/// <see cref="Encode"/> turns it back. Valid UTF-8 never holds surrogates, so the two can't be confused. .NET's own file API and JSON writer
/// would replace such characters: ask <see cref="IsPlain"/> before giving a name to them.
/// </remarks>
public static class KernelText
{
    private const char EscapeBase = '\uDC00';

    /// <summary>The string of <paramref name="bytes"/>; reversed exactly by <see cref="Encode"/>.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
            return Encoding.UTF8.GetString(bytes);
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int consumed) == OperationStatus.Done)
                text.Append(rune.ToString());
            else
            {
                for (int i = 0; i < consumed; i++)
                    text.Append((char)(EscapeBase + bytes[i]));
            }

            bytes = bytes[consumed..];
        }

        return text.ToString();
    }

    /// <summary>The bytes that <see cref="Decode"/> made <paramref name="text"/> of.</summary>
    /// <exception cref="ArgumentException">The text holds a surrogate that <see cref="Decode"/> never makes.</exception>
    public static byte[] Encode(string text)
    {
        if (IsPlain(text))
            return Encoding.UTF8.GetBytes(text);
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        int length = 0;
        for (ReadOnlySpan<char> rest = text; !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(rest, out Rune rune, out int consumed) == OperationStatus.Done)
                length += rune.EncodeToUtf8(bytes.AsSpan(length));
            else if (IsEscape(rest[0]))
                bytes[length++] = (byte)(rest[0] - EscapeBase);
            else
                throw new ArgumentException("the text holds a surrogate that stands for no byte", nameof(text));
            rest = rest[consumed..];
        }

        return bytes[..length];
    }

    /// <summary>True if every byte of the name was valid UTF-8, so that other APIs may have it as it is.</summary>
    public static bool IsPlain(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return false;
            i++;
        }

        return true;
    }

    /// <summary>Undoes the octal escapes (<c>\040</c>) of mountinfo, where the backslash is always escaped too, so that this is exact.</summary>
    /// <remarks>A backslash that no three octal digits follow stays as it is.</remarks>
    public static string DecodeOctalEscaped(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.Contains((byte)'\\'))
            return Decode(bytes);
        var plain = new byte[bytes.Length];
        int length = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] == '\\' && TryReadOctal(bytes[(i + 1)..], out byte value))
            {
                plain[length++] = value;
                i += 3;
            }
            else
                plain[length++] = bytes[i];
        }

        return Decode(plain.AsSpan(0, length));
    }

    /// <summary>Undoes maps' only escape, <c>\012</c> for a newline.</summary>
    /// <param name="bytes">As in maps.</param>
    /// <param name="ambiguous">True if there was one: maps leaves backslashes alone, so the name may as well hold these four characters.</param>
    public static string DecodeNewlineEscaped(ReadOnlySpan<byte> bytes, out bool ambiguous)
    {
        ambiguous = bytes.IndexOf("\\012"u8) >= 0;
        return ambiguous ? Decode(bytes).Replace("\\012", "\n", StringComparison.Ordinal) : Decode(bytes);
    }

    /// <summary>As <see cref="Encode"/>, with a zero behind.</summary>
    internal static byte[] EncodeTerminated(string text) => [.. Encode(text), 0];

    private static bool IsEscape(char character) => character is >= (char)(EscapeBase + 0x80) and <= (char)(EscapeBase + 0xFF);

    private static bool TryReadOctal(ReadOnlySpan<byte> digits, out byte value)
    {
        value = 0;
        if (digits.Length < 3 || digits[0] is < (byte)'0' or > (byte)'3' || !IsOctal(digits[1]) || !IsOctal(digits[2]))
            return false;
        value = (byte)(((digits[0] - '0') << 6) | ((digits[1] - '0') << 3) | (digits[2] - '0'));
        return true;
    }

    private static bool IsOctal(byte digit) => digit is >= (byte)'0' and <= (byte)'7';
}

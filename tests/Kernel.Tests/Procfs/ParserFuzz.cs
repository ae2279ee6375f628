using Snap.Kernel.Procfs;

namespace Snap.Kernel.Tests.Procfs;

/// <summary>Feeds a parser cut and mangled forms of a good text: it may throw ProcfsFormatException, and nothing else.</summary>
internal static class ParserFuzz
{
    internal delegate void Parser(ReadOnlySpan<byte> text);

    internal static void Run(byte[] good, Parser parser, int seed = 7, int mutations = 3000)
    {
        for (int length = 0; length <= good.Length; length += good.Length > 20000 ? 37 : 1)
            Try(good.AsSpan(0, length), parser);
        var random = new Random(seed);
        for (int i = 0; i < mutations; i++)
        {
            byte[] text = good.AsSpan(0, Math.Min(good.Length, 4096)).ToArray();
            for (int changes = random.Next(1, 6); changes > 0 && text.Length > 0; changes--)
            {
                int at = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0: text[at] = (byte)random.Next(256); break;
                    case 1: text = [.. text.AsSpan(0, at), .. text.AsSpan(Math.Min(text.Length, at + random.Next(1, 20)))]; break;
                    default: text = [.. text.AsSpan(0, at), .. Pick(random), .. text.AsSpan(at)]; break;
                }
            }

            Try(text, parser);
        }
    }

    private static ReadOnlySpan<byte> Pick(Random random) => random.Next(6) switch
    {
        0 => "99999999999999999999999"u8,
        1 => "-"u8,
        2 => "\n"u8,
        3 => ") ("u8,
        4 => "ffffffffffffffff"u8,
        _ => "\0\xff :"u8,
    };

    private static void Try(ReadOnlySpan<byte> text, Parser parser)
    {
        try
        {
            parser(text);
        }
        catch (ProcfsFormatException)
        {
            // The documented outcome for text that isn't whole.
        }
    }
}

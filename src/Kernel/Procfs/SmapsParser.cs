namespace Snap.Kernel.Procfs;

/// <summary>Parses /proc/PID/smaps: per mapping its line of maps, then lines <c>Key: value kB</c> and one <c>VmFlags: rd wr …</c>.</summary>
public static class SmapsParser
{
    private const string File = "smaps";

    /// <summary>The mappings in the order of their addresses. Keys that aren't known are passed over.</summary>
    /// <exception cref="ProcfsFormatException">Not smaps, or cut off.</exception>
    public static List<SmapsEntry> Parse(ReadOnlySpan<byte> text)
    {
        var entries = new List<SmapsEntry>();
        var maps = new MapsParser();
        SmapsEntry? current = null;
        bool complete = true;
        var lines = new AsciiCursor(text, File);
        while (lines.TryLine(out ReadOnlySpan<byte> line))
        {
            int colon = line.IndexOf((byte)':');
            int blank = line.IndexOf((byte)' ');
            bool isKey = colon >= 0 && (blank < 0 || colon < blank);
            if (!isKey)
            {
                if (!complete)
                    throw new ProcfsFormatException(File, "a mapping has no VmFlags");
                current = new SmapsEntry { Mapping = maps.ParseLine(line) };
                complete = false;
                continue;
            }

            if (current is null)
                throw new ProcfsFormatException(File, "it doesn't begin with a mapping");
            current = WithField(current, line[..colon], line[(colon + 1)..]);
            if (line.StartsWith("VmFlags:"u8))
            {
                entries.Add(current);
                complete = true;
            }
        }

        if (!complete || (text.Length > 0 && text[^1] != '\n'))
            throw new ProcfsFormatException(File, "the last mapping is cut off");
        return entries;
    }

    private static SmapsEntry WithField(SmapsEntry entry, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => key switch
    {
        _ when key.SequenceEqual("Rss"u8) => entry with { Rss = Kilobytes(value) },
        _ when key.SequenceEqual("Anonymous"u8) => entry with { Anonymous = Kilobytes(value) },
        _ when key.SequenceEqual("AnonHugePages"u8) => entry with { AnonymousHugePages = Kilobytes(value) },
        _ when key.SequenceEqual("Swap"u8) => entry with { Swap = Kilobytes(value) },
        _ when key.SequenceEqual("Locked"u8) => entry with { Locked = Kilobytes(value) },
        _ when key.SequenceEqual("KernelPageSize"u8) => entry with { KernelPageSize = Kilobytes(value) },
        _ when key.SequenceEqual("MMUPageSize"u8) => entry with { MmuPageSize = Kilobytes(value) },
        _ when key.SequenceEqual("ProtectionKey"u8) => entry with { ProtectionKey = ReadProtectionKey(value) },
        _ when key.SequenceEqual("VmFlags"u8) => WithFlags(entry, value),
        _ => entry,
    };

    private static int ReadProtectionKey(ReadOnlySpan<byte> value)
    {
        var cursor = new AsciiCursor(value, File);
        cursor.SkipBlanks();
        return cursor.Signed32();
    }

    private static ulong Kilobytes(ReadOnlySpan<byte> value)
    {
        var cursor = new AsciiCursor(value, File);
        return cursor.Kilobytes();
    }

    private static SmapsEntry WithFlags(SmapsEntry entry, ReadOnlySpan<byte> value)
    {
        VmFlags flags = VmFlags.None;
        List<string>? unknown = null;
        var cursor = new AsciiCursor(value, File);
        while (cursor.Word() is { IsEmpty: false } word)
        {
            if (VmFlagNames.TryFind(word, out VmFlags flag))
                flags |= flag;
            else
                (unknown ??= []).Add(KernelText.Decode(word));
        }

        return entry with { Flags = flags, UnknownFlags = unknown ?? [] };
    }
}

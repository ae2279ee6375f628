namespace Snap.Kernel.Procfs;

/// <summary>Parses lines of /proc/locks.</summary>
public static class FileLockParser
{
    private const string File = "locks";

    /// <summary>All lines of /proc/locks.</summary>
    /// <exception cref="ProcfsFormatException">Not such lines, or cut off.</exception>
    public static List<FileLock> Parse(ReadOnlySpan<byte> text)
    {
        var locks = new List<FileLock>();
        var lines = new AsciiCursor(text, File);
        while (lines.TryLine(out ReadOnlySpan<byte> line))
            locks.Add(ParseLine(line));
        return text.IsEmpty || text[^1] == '\n' ? locks : throw new ProcfsFormatException(File, "it is cut off");
    }

    /// <summary>One line, without its newline.</summary>
    /// <exception cref="ProcfsFormatException">Not such a line.</exception>
    public static FileLock ParseLine(ReadOnlySpan<byte> line)
    {
        var cursor = new AsciiCursor(line, File);
        cursor.SkipBlanks();
        ulong number = cursor.Decimal();
        cursor.Expect((byte)':');
        cursor.SkipBlanks();
        bool waiting = cursor.TrySkip("-> "u8);
        string kind = Word(ref cursor), state = Word(ref cursor), mode = Word(ref cursor);
        cursor.SkipBlanks();
        int pid = cursor.Signed32();
        cursor.SkipBlanks();
        DeviceNumber device = default;
        ulong inode;
        if (cursor.TrySkip("<none>:"u8))
            inode = cursor.Decimal();
        else
        {
            uint major = cursor.Hex32();
            cursor.Expect((byte)':');
            uint minor = cursor.Hex32();
            cursor.Expect((byte)':');
            device = new DeviceNumber(major, minor);
            inode = cursor.Decimal();
        }

        cursor.SkipBlanks();
        ulong start = cursor.Decimal();
        cursor.SkipBlanks();
        ulong last = cursor.TrySkip("EOF"u8) ? ulong.MaxValue : cursor.Decimal();
        return new FileLock
        {
            Number = number, IsWaiting = waiting, Kind = Kind(kind), KindText = kind, State = state, Mode = mode, Pid = pid,
            Device = device, Inode = inode, Start = start, Last = last,
        };
    }

    private static FileLockKind Kind(string kind) => kind switch
    {
        "POSIX" => FileLockKind.Posix,
        "OFDLCK" => FileLockKind.OpenFileDescription,
        "FLOCK" => FileLockKind.Flock,
        "LEASE" => FileLockKind.Lease,
        "DELEG" => FileLockKind.Delegation,
        _ => FileLockKind.Other,
    };

    private static string Word(ref AsciiCursor cursor)
    {
        ReadOnlySpan<byte> word = cursor.Word();
        return word.IsEmpty ? throw cursor.Unexpected("a word") : KernelText.Decode(word);
    }
}

namespace Snap.Kernel.Procfs;

/// <summary>Parses /proc/PID/maps: <c>start-end rwxp offset major:minor inode      name</c>, all hexadecimal but the inode.</summary>
/// <remarks>
/// Names are remembered as bytes, so that parsing the same mappings again allocates nothing. The name starts behind the blanks that follow the
/// inode and goes on to the newline; blanks inside it are its own. A name of a file that starts with a blank doesn't exist: paths start with '/'.
/// </remarks>
public sealed class MapsParser
{
    private const int Slots = 1024;
    private const string File = "maps";

    // Direct-mapped: a slot holds the last name that fell on it.
    private readonly (byte[] Column, MapsName Name)[] _names = new (byte[], MapsName)[Slots];

    /// <summary>Replaces <paramref name="into"/> by the mappings in <paramref name="text"/>, in the order of their addresses.</summary>
    /// <exception cref="ProcfsFormatException">Not maps, cut off within a line, or mappings that aren't ascending.</exception>
    public void Parse(ReadOnlySpan<byte> text, List<MapsEntry> into)
    {
        if (!TryParse(text, into))
            throw new ProcfsFormatException(File, "mappings overlap or aren't in order");
    }

    /// <summary>As <see cref="Parse"/>, but false if mappings overlap: a running process changed them between the kernel's pages of text.</summary>
    internal bool TryParse(ReadOnlySpan<byte> text, List<MapsEntry> into)
    {
        into.Clear();
        var lines = new AsciiCursor(text, File);
        ulong end = 0;
        while (lines.TryLine(out ReadOnlySpan<byte> line))
        {
            MapsEntry entry = ParseLine(line);
            if (entry.Start < end)
                return false;
            end = entry.End;
            into.Add(entry);
        }

        // Every line ends in a newline: a last one without it was cut, and may lack half of its name.
        if (text.Length > 0 && text[^1] != '\n')
            throw new ProcfsFormatException(File, "the last line is cut off");
        return true;
    }

    /// <summary>Parses one line without its newline.</summary>
    /// <exception cref="ProcfsFormatException">Not a line of maps.</exception>
    public MapsEntry ParseLine(ReadOnlySpan<byte> line)
    {
        var cursor = new AsciiCursor(line, File);
        ulong start = cursor.Hex();
        cursor.Expect((byte)'-');
        ulong end = cursor.Hex();
        if (end <= start)
            throw new ProcfsFormatException(File, "a mapping ends before it starts");
        cursor.Expect((byte)' ');
        MapsAccess access = Letter(ref cursor, (byte)'r', (byte)'-', MapsAccess.Read)
            | Letter(ref cursor, (byte)'w', (byte)'-', MapsAccess.Write)
            | Letter(ref cursor, (byte)'x', (byte)'-', MapsAccess.Execute)
            | Letter(ref cursor, (byte)'s', (byte)'p', MapsAccess.Shared);
        cursor.Expect((byte)' ');
        ulong offset = cursor.Hex();
        cursor.Expect((byte)' ');
        uint major = cursor.Hex32();
        cursor.Expect((byte)':');
        uint minor = cursor.Hex32();
        cursor.Expect((byte)' ');
        ulong inode = cursor.Decimal();
        if (!cursor.AtEnd)
            cursor.Expect((byte)' ');
        cursor.SkipBlanks();
        return new MapsEntry(start, end, access, offset, new DeviceNumber(major, minor), inode, Name(cursor.Rest));
    }

    private static MapsAccess Letter(ref AsciiCursor cursor, byte set, byte clear, MapsAccess value)
    {
        byte letter = cursor.Byte();
        if (letter != set && letter != clear)
            throw new ProcfsFormatException(File, "its protection column has a letter that isn't known");
        return letter == set ? value : MapsAccess.None;
    }

    private MapsName Name(ReadOnlySpan<byte> column)
    {
        if (column.IsEmpty)
            return MapsName.Anonymous;
        uint hash = 2166136261;
        foreach (byte value in column)
            hash = (hash ^ value) * 16777619;
        ref (byte[] Column, MapsName Name) slot = ref _names[(hash ^ (hash >> 16)) % Slots];
        if (slot.Column is null || !column.SequenceEqual(slot.Column))
            slot = (column.ToArray(), MapsName.Parse(column));
        return slot.Name;
    }
}

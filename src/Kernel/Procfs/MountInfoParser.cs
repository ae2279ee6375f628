namespace Snap.Kernel.Procfs;

/// <summary>Parses mountinfo: <c>36 35 98:0 /root /point rw,noatime shared:1 - ext3 /dev/root rw,errors=continue</c>, blanks and backslashes as octal.</summary>
public static class MountInfoParser
{
    private const string File = "mountinfo";

    /// <summary>The mounts, in the order of the text.</summary>
    /// <exception cref="ProcfsFormatException">Not mountinfo, or cut off.</exception>
    public static List<MountEntry> Parse(ReadOnlySpan<byte> text)
    {
        var mounts = new List<MountEntry>();
        var lines = new AsciiCursor(text, File);
        while (lines.TryLine(out ReadOnlySpan<byte> line))
            mounts.Add(ParseLine(line));
        return text.IsEmpty || text[^1] == '\n' ? mounts : throw new ProcfsFormatException(File, "it is cut off");
    }

    private static MountEntry ParseLine(ReadOnlySpan<byte> line)
    {
        var cursor = new AsciiCursor(line, File);
        int id = cursor.Signed32();
        cursor.Expect((byte)' ');
        int parent = cursor.Signed32();
        cursor.Expect((byte)' ');
        uint major = cursor.Decimal32();
        cursor.Expect((byte)':');
        var device = new DeviceNumber(major, cursor.Decimal32());
        string root = Column(ref cursor), point = Column(ref cursor), options = Column(ref cursor);
        var propagation = new List<string>();
        string word;
        while ((word = Column(ref cursor)) != "-")
            propagation.Add(word);

        // Type, source and options may each be empty, which leaves two blanks in a row.
        string type = Column(ref cursor), source = Column(ref cursor), superOptions = Column(ref cursor);
        return new MountEntry
        {
            Id = id, ParentId = parent, Device = device, Root = root, MountPoint = point, Options = options,
            Propagation = propagation, FileSystemType = type, Source = source, SuperOptions = superOptions,
        };
    }

    private static string Column(ref AsciiCursor cursor)
    {
        cursor.Expect((byte)' ');
        int end = cursor.Rest.IndexOf((byte)' ');
        ReadOnlySpan<byte> column = end < 0 ? cursor.Rest : cursor.Rest[..end];
        cursor.TrySkip(column);
        return KernelText.DecodeOctalEscaped(column);
    }
}

namespace Snap.Kernel.Procfs;

/// <summary>/proc/PID/limits: the 16 limits in the order of RLIMIT_*, so that the index is the resource's number on x86-64.</summary>
/// <remarks>Readable for processes of other users too, where prlimit(2) isn't without CAP_SYS_RESOURCE.</remarks>
public static class ResourceLimits
{
    private const string File = "limits";
    private static readonly string[] Names =
    [
        "Max cpu time", "Max file size", "Max data size", "Max stack size", "Max core file size", "Max resident set", "Max processes",
        "Max open files", "Max locked memory", "Max address space", "Max file locks", "Max pending signals", "Max msgqueue size",
        "Max nice priority", "Max realtime priority", "Max realtime timeout",
    ];

    /// <summary>Resources that have a limit: RLIM_NLIMITS.</summary>
    public const int Count = 16;


    /// <summary>Parses the table: a title, then per line a name with blanks in it, padded to 26, soft and hard limit, and a unit.</summary>
    /// <exception cref="ProcfsFormatException">Not the table, a limit that isn't known, or one missing.</exception>
    public static ResourceLimit[] Parse(ReadOnlySpan<byte> text)
    {
        var limits = new ResourceLimit[Count];
        int seen = 0;
        var lines = new AsciiCursor(text, File);
        if (!lines.TryLine(out ReadOnlySpan<byte> title) || !title.StartsWith("Limit "u8))
            throw new ProcfsFormatException(File, "it has no title");
        while (lines.TryLine(out ReadOnlySpan<byte> line))
        {
            int resource = Find(line);
            var cursor = new AsciiCursor(line[Names[resource].Length..], File);
            limits[resource] = new ResourceLimit(Value(ref cursor), Value(ref cursor));
            seen |= 1 << resource;
        }

        if (seen != (1 << Count) - 1 || text[^1] != '\n')
            throw new ProcfsFormatException(File, "a limit is missing, or cut off");
        return limits;
    }

    private static int Find(ReadOnlySpan<byte> line)
    {
        for (int resource = 0; resource < Names.Length; resource++)
        {
            string name = Names[resource];
            if (line.Length > name.Length && line[name.Length] == ' ' && System.Text.Ascii.Equals(line[..name.Length], name))
                return resource;
        }

        throw new ProcfsFormatException(File, $"the limit '{KernelText.Decode(line[..Math.Min(line.Length, 26)])}' isn't known");
    }

    private static ulong Value(ref AsciiCursor cursor)
    {
        cursor.SkipBlanks();
        return cursor.TrySkip("unlimited"u8) ? ResourceLimit.Unlimited : cursor.Decimal();
    }
}

namespace Snap.Kernel.Procfs;

/// <summary>What a time namespace adds to a clock.</summary>
/// <param name="Clock"><c>monotonic</c> or <c>boottime</c>.</param>
/// <param name="Seconds">May be negative.</param>
/// <param name="Nanoseconds">0 to 999,999,999, on top.</param>
public readonly record struct ClockOffset(string Clock, long Seconds, long Nanoseconds)
{
    private const string File = "timens_offsets";

    /// <summary>Parses lines of <c>monotonic           0         0</c>.</summary>
    /// <exception cref="ProcfsFormatException">Not such lines, or cut off.</exception>
    public static IReadOnlyList<ClockOffset> ParseAll(ReadOnlySpan<byte> text)
    {
        var offsets = new List<ClockOffset>();
        var lines = new AsciiCursor(text, File);
        while (lines.TryLine(out ReadOnlySpan<byte> line))
        {
            var cursor = new AsciiCursor(line, File);
            string clock = KernelText.Decode(cursor.Word());
            cursor.SkipBlanks();
            long seconds = cursor.Signed();
            cursor.SkipBlanks();
            offsets.Add(new ClockOffset(clock, seconds, cursor.Signed()));
        }

        return text.IsEmpty || text[^1] == '\n' ? offsets : throw new ProcfsFormatException(File, "it is cut off");
    }
}

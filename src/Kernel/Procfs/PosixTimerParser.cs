namespace Snap.Kernel.Procfs;

/// <summary>Parses /proc/PID/timers: per timer <c>ID: 2</c>, <c>signal: 34/00000000deadbeef</c>, <c>notify: signal/tid.3415</c>, <c>ClockID: -2</c>.</summary>
public static class PosixTimerParser
{
    private const string File = "timers";
    private const int ThreadId = 4;

    /// <summary>The timers, in the kernel's order. Lines added behind ClockID are passed over.</summary>
    /// <exception cref="ProcfsFormatException">Not such lines, or cut off.</exception>
    public static List<PosixTimer> Parse(ReadOnlySpan<byte> text)
    {
        var timers = new List<PosixTimer>();
        var lines = new AsciiCursor(text, File);
        while (lines.TryLine(out ReadOnlySpan<byte> line))
        {
            if (!line.StartsWith("ID:"u8))
            {
                if (timers.Count == 0)
                    throw new ProcfsFormatException(File, "it doesn't begin with an ID");
                continue;
            }

            int id = Field(line, "ID:"u8).Signed32();
            (int signal, ulong value) = Signal(Next(ref lines, "signal:"u8));
            (int notify, int target) = Notify(Next(ref lines, "notify:"u8));
            timers.Add(new PosixTimer(id, signal, value, notify, target, Next(ref lines, "ClockID:"u8).Signed32()));
        }

        return text.IsEmpty || text[^1] == '\n' ? timers : throw new ProcfsFormatException(File, "it is cut off");
    }

    private static AsciiCursor Next(ref AsciiCursor lines, ReadOnlySpan<byte> key) =>
        Field(lines.TryLine(out ReadOnlySpan<byte> line) ? line : default, key);

    private static AsciiCursor Field(ReadOnlySpan<byte> line, ReadOnlySpan<byte> key)
    {
        var cursor = new AsciiCursor(line, File);
        if (!cursor.TrySkip(key))
            throw cursor.Unexpected($"'{KernelText.Decode(key)}'");
        cursor.SkipBlanks();
        return cursor;
    }

    private static (int Signal, ulong Value) Signal(AsciiCursor cursor)
    {
        int signal = cursor.Signed32();
        cursor.Expect((byte)'/');
        return (signal, cursor.Hex());
    }

    private static (int Notify, int Target) Notify(AsciiCursor cursor)
    {
        int notify = cursor.TrySkip("signal/"u8) ? 0
            : cursor.TrySkip("none/"u8) ? 1
            : cursor.TrySkip("thread/"u8) ? 2
            : throw cursor.Unexpected("signal, none or thread");
        if (cursor.TrySkip("tid."u8))
            notify |= ThreadId;
        else if (!cursor.TrySkip("pid."u8))
            throw cursor.Unexpected("tid or pid");
        return (notify, cursor.Signed32());
    }
}

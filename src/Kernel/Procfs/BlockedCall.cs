namespace Snap.Kernel.Procfs;

/// <summary>/proc/PID/syscall: <c>running</c>, or <c>number arg1 … arg6 sp pc</c>, or <c>-1 sp pc</c> if blocked outside a system call.</summary>
/// <param name="IsRunning">On a processor, or about to be: nothing else is known.</param>
/// <param name="Number">Number of the system call, -1 if it is in none (a page fault, a stop).</param>
/// <param name="Arguments">Its six arguments; empty if it is in none.</param>
/// <param name="StackPointer">The task's, in user mode.</param>
/// <param name="InstructionPointer">The task's, in user mode.</param>
public sealed record BlockedCall(
    bool IsRunning, long Number, IReadOnlyList<ulong> Arguments, ulong StackPointer, ulong InstructionPointer)
{
    private const string File = "syscall";

    /// <summary>Parses the file's text. Kernel threads and zombies read as <c>0 0x0 …</c> or as running.</summary>
    /// <exception cref="ProcfsFormatException">Not such a line, or cut off.</exception>
    public static BlockedCall Parse(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[^1] != '\n')
            throw new ProcfsFormatException(File, "it is cut off");
        var cursor = new AsciiCursor(text[..^1], File);
        if (cursor.TrySkip("running"u8))
            return new BlockedCall(true, -1, [], 0, 0);
        long number = cursor.Signed();
        var arguments = new ulong[number == -1 ? 0 : 6];
        for (int i = 0; i < arguments.Length; i++)
            arguments[i] = Hex(ref cursor);
        return new BlockedCall(false, number, arguments, Hex(ref cursor), Hex(ref cursor));
    }

    private static ulong Hex(ref AsciiCursor cursor)
    {
        if (!cursor.TrySkip(" 0x"u8))
            throw cursor.Unexpected("' 0x'");
        return cursor.Hex();
    }
}

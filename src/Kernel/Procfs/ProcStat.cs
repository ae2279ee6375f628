namespace Snap.Kernel.Procfs;

/// <summary>/proc/PID/stat, or /proc/PID/task/TID/stat of one thread: <c>pid (comm) state …</c>, 52 fields or more, as proc(5) numbers them.</summary>
/// <remarks>
/// comm is up to 15 bytes that the process chose, blanks, parentheses and newlines included, so the last ')' ends it. Addresses (fields 26-30,
/// 35, 45-51) read as 0 or 1 without the right to ptrace the process. Times are in clock ticks (1/100 s).
/// </remarks>
public sealed class ProcStat
{
    private const string File = "stat";
    private const int FirstNumber = 4;
    private const int FieldCount = 52;

    private readonly ulong[] _fields;

    private ProcStat(int pid, string command, char state, ulong[] fields)
    {
        Pid = pid;
        Command = command;
        State = state;
        _fields = fields;
    }

    /// <summary>Field 1: pid of the process, or tid of the thread.</summary>
    public int Pid { get; }

    /// <summary>Field 2, without its parentheses (<see cref="KernelText"/>).</summary>
    public string Command { get; }

    /// <summary>Field 3: R running, S sleeping, D uninterruptible, T stopped, t traced, Z zombie, X dead, I idle kernel thread, P parked.</summary>
    public char State { get; }

    /// <summary>A process that has ended and waits for its parent to reap it.</summary>
    public bool IsDead => State is 'Z' or 'X' or 'x';

    /// <summary>Field 4.</summary>
    public int ParentPid => (int)Field(4);

    /// <summary>Field 5.</summary>
    public int ProcessGroup => (int)Field(5);

    /// <summary>Field 6.</summary>
    public int Session => (int)Field(6);

    /// <summary>Field 7: the controlling terminal, 0:0 if none.</summary>
    public DeviceNumber Terminal => DeviceNumber.FromStat((uint)Field(7));

    /// <summary>Field 8: foreground process group of the terminal, -1 if none.</summary>
    public int TerminalProcessGroup => (int)Field(8);

    /// <summary>Field 9: PF_* of the kernel.</summary>
    public uint Flags => (uint)Field(9);

    /// <summary>PF_KTHREAD: a thread of the kernel, without memory of its own.</summary>
    public bool IsKernelThread => (Flags & 0x0020_0000) != 0;

    /// <summary>PF_FORKNOEXEC: a copy of its parent that hasn't called exec, or hasn't got so far in it that its memory is a new one.</summary>
    public bool IsForkWithoutExec => (Flags & 0x40) != 0;

    /// <summary>PF_EXITING: on its way out.</summary>
    public bool IsExiting => (Flags & 0x4) != 0;

    /// <summary>Field 10: faults that needed no disk.</summary>
    public ulong MinorFaults => Field(10);

    /// <summary>Field 12: faults that read from disk.</summary>
    public ulong MajorFaults => Field(12);

    /// <summary>Field 14: ticks in user mode.</summary>
    public ulong UserTime => Field(14);

    /// <summary>Field 15: ticks in the kernel.</summary>
    public ulong SystemTime => Field(15);

    /// <summary>Field 16: ticks of reaped children in user mode.</summary>
    public long ChildrenUserTime => (long)Field(16);

    /// <summary>Field 17: ticks of reaped children in the kernel.</summary>
    public long ChildrenSystemTime => (long)Field(17);

    /// <summary>Field 18: as top shows it; below 0 for real-time policies.</summary>
    public int Priority => (int)Field(18);

    /// <summary>Field 19: 19 to -20.</summary>
    public int Nice => (int)Field(19);

    /// <summary>Field 20.</summary>
    public int ThreadCount => (int)Field(20);

    /// <summary>Field 22: ticks from boot to start (in the time namespace of the reader); tells a pid from its reuse.</summary>
    public ulong StartTime => Field(22);

    /// <summary>Field 23: bytes of address space.</summary>
    public ulong VirtualSize => Field(23);

    /// <summary>Field 24: resident pages.</summary>
    public ulong ResidentPages => Field(24);

    /// <summary>Field 25: RLIMIT_RSS in bytes.</summary>
    public ulong ResidentLimit => Field(25);

    /// <summary>Field 26.</summary>
    public ulong StartCode => Field(26);

    /// <summary>Field 27.</summary>
    public ulong EndCode => Field(27);

    /// <summary>Field 28.</summary>
    public ulong StartStack => Field(28);

    /// <summary>Field 38: signal to the parent at its end.</summary>
    public int ExitSignal => (int)Field(38);

    /// <summary>Field 39: processor it ran on last.</summary>
    public int Processor => (int)Field(39);

    /// <summary>Field 40: 1 to 99, or 0 for policies that aren't real-time.</summary>
    public uint RealTimePriority => (uint)Field(40);

    /// <summary>Field 41: SCHED_* (0 other, 1 FIFO, 2 RR, 3 batch, 5 idle, 6 deadline).</summary>
    public uint SchedulingPolicy => (uint)Field(41);

    /// <summary>Field 45.</summary>
    public ulong StartData => Field(45);

    /// <summary>Field 46.</summary>
    public ulong EndData => Field(46);

    /// <summary>Field 47: where brk began.</summary>
    public ulong StartBreak => Field(47);

    /// <summary>Field 48.</summary>
    public ulong ArgumentsStart => Field(48);

    /// <summary>Field 49.</summary>
    public ulong ArgumentsEnd => Field(49);

    /// <summary>Field 50.</summary>
    public ulong EnvironmentStart => Field(50);

    /// <summary>Field 51.</summary>
    public ulong EnvironmentEnd => Field(51);

    /// <summary>Field 52: as wait(2) gives it.</summary>
    public int ExitCode => (int)Field(52);

    /// <summary>Any field from 4 on by its number in proc(5), a negative one as its two's complement.</summary>
    public ulong Field(int number)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, FirstNumber);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, FieldCount);
        return _fields[number - FirstNumber];
    }

    /// <summary>Parses the file's text. Fields behind the 52nd are passed over.</summary>
    /// <exception cref="ProcfsFormatException">Not a stat file, or cut off.</exception>
    public static ProcStat Parse(ReadOnlySpan<byte> text)
    {
        var head = new AsciiCursor(text, File);
        int pid = head.Signed32();
        if (!head.TrySkip(" ("u8))
            throw head.Unexpected("' ('");
        int end = head.Rest.LastIndexOf((byte)')');
        if (end < 0)
            throw new ProcfsFormatException(File, "the command's name has no end");
        string command = KernelText.Decode(head.Rest[..end]);

        // A whole file ends in a newline; without it the last number may have lost digits.
        if (text[^1] != '\n')
            throw new ProcfsFormatException(File, "it is cut off");
        var cursor = new AsciiCursor(head.Rest[(end + 1)..^1], File);
        cursor.Expect((byte)' ');
        char state = (char)cursor.Byte();
        var fields = new ulong[FieldCount - FirstNumber + 1];
        for (int i = 0; i < fields.Length; i++)
        {
            cursor.Expect((byte)' ');
            fields[i] = cursor.DecimalBits();
        }

        return new ProcStat(pid, command, state, fields);
    }
}

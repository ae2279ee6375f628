using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Procfs;

/// <content>Single values, timers, namespaces, and what the task does in the kernel.</content>
public readonly partial record struct TaskFiles
{
    /// <summary>coredump_filter: which kinds of mappings a core dump holds. Empty for tasks without memory, which is returned as 0.</summary>
    public uint? ReadCoreDumpFilter() => ReadNumber("coredump_filter", hexadecimal: true) is { } value ? (uint)value : null;

    /// <summary>oom_score_adj: -1000 to 1000.</summary>
    public int? ReadOomScoreAdjustment() => ReadNumber("oom_score_adj", hexadecimal: false) is { } value ? (int)value : null;

    /// <summary>timerslack_ns of a thread. Linux has this file only in /proc/PID, so of another thread by /proc/TID.</summary>
    public ulong? ReadTimerSlack() => ReadNumber("timerslack_ns", hexadecimal: false) is { } value ? (ulong)value : null;

    /// <summary>personality(2): PER_* and flags such as ADDR_NO_RANDOMIZE.</summary>
    public uint? ReadPersonality() => ReadNumber("personality", hexadecimal: true) is { } value ? (uint)value : null;

    /// <summary>Who ptraces the task, 0 if nobody.</summary>
    public int? ReadTracer() => ReadStatus()?.TracerPid;

    /// <summary>timers: the POSIX timers of the process. Without CONFIG_CHECKPOINT_RESTORE the kernel lacks the file: ask <see cref="SystemFiles.HasTimers"/>.</summary>
    public List<PosixTimer>? ReadTimers() => ReadOrGone("timers") is { } text ? PosixTimerParser.Parse(text) : null;

    /// <summary>wchan: the kernel function that the task sleeps in, "" if it doesn't sleep or the kernel doesn't tell.</summary>
    public string? ReadWaitChannel()
    {
        if (ReadOrGone("wchan") is not { } text)
            return null;
        return text is [(byte)'0'] ? "" : KernelText.Decode(WithoutNewline(text));
    }

    /// <summary>syscall: what the task is blocked in.</summary>
    public BlockedCall? ReadBlockedCall() => ReadOrGone("syscall") is { } text ? BlockedCall.Parse(text) : null;

    /// <summary>mountinfo: the mounts that the task sees, in the order of their mounting.</summary>
    public List<MountEntry>? ReadMounts() => ReadOrGone("mountinfo") is { } text ? MountInfoParser.Parse(text) : null;

    /// <summary>ns/*: inode numbers of the namespaces by name. Equal numbers are one namespace.</summary>
    public IReadOnlyDictionary<string, ulong>? ReadNamespaces()
    {
        var namespaces = new SortedDictionary<string, ulong>(StringComparer.Ordinal);
        foreach (string name in NamespaceNames)
        {
            if (ReadLinkOrGone("ns/" + name) is { } target)
                namespaces[name] = DescriptorTarget.Parse(target).Number;
        }

        // The kernel may lack a kind of namespace, but no task lacks all of them.
        return namespaces.Count > 0 ? namespaces : null;
    }

    /// <summary>timens_offsets: how far the clocks of the task's children's time namespace are ahead of the machine's. Empty if the kernel has none.</summary>
    public IReadOnlyList<ClockOffset>? ReadClockOffsets()
    {
        if (ReadOrGone("timens_offsets") is { } text)
            return ClockOffset.ParseAll(text);
        return ReadOrGone("stat") is null ? null : [];
    }

    /// <summary>Head of the program file, read through the link exe, so that it is the running one even if another has its name now.</summary>
    /// <returns>Null also for what has no program: kernel threads and zombies.</returns>
    public ElfHeader? ReadElfHeader()
    {
        string path = $"{Directory}/exe";
        SyscallResult result = FileDescriptor.TryOpen(path, Fcntl.O_RDONLY, 0, out FileDescriptor? file);
        if (file is null)
            return ProcfsFile.IsGone(result.Errno) ? null : throw new KernelException(result.Errno, $"open {path}");
        using (file)
        {
            Span<byte> head = stackalloc byte[ElfHeader.Size];
            return ElfHeader.Parse(head[..(int)file.TryReadAt(0, head).OrThrow($"read {path}")]);
        }
    }

    private static readonly string[] NamespaceNames =
        ["cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"];

    private long? ReadNumber(string name, bool hexadecimal)
    {
        if (ReadOrGone(name) is not { } text)
            return null;
        var cursor = new AsciiCursor(WithoutNewline(text), name);
        if (cursor.AtEnd)
            return 0;
        long value = hexadecimal ? cursor.Hex32() : cursor.Signed();
        return cursor.AtEnd ? value : throw cursor.Unexpected("the end");
    }
}

using System.Globalization;
using Snap.Kernel.Files;

namespace Snap.Kernel.Procfs;

/// <summary>The files of /proc/PID, or of /proc/PID/task/TID, each read whole and parsed.</summary>
/// <remarks>
/// Every method returns null if the task is gone (ENOENT, ESRCH), throws <see cref="KernelException"/> for any other error (EACCES without the right
/// to ptrace it), and <see cref="ProcfsFormatException"/> if the text isn't understood. What a zombie or kernel thread hasn't reads as empty.
/// </remarks>
/// <param name="Directory">Without a slash at its end.</param>
public readonly partial record struct TaskFiles(string Directory)
{
    /// <summary>Ourselves.</summary>
    public static TaskFiles Self => new("/proc/self");

    /// <summary>A process; for files that thread and process have alike it means the main thread.</summary>
    public static TaskFiles OfProcess(int pid) => new(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}"));

    /// <summary>A thread.</summary>
    public static TaskFiles OfThread(int pid, int tid) => new(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/task/{tid}"));

    /// <summary>A file by its name, as bytes.</summary>
    public byte[]? ReadOrGone(string name) => ProcfsFile.ReadOrGone($"{Directory}/{name}");

    /// <summary>A link by its name. Null also if the task has no such thing: the exe of a kernel thread, everything of a zombie.</summary>
    public string? ReadLinkOrGone(string name) => ProcfsFile.ReadLinkOrGone($"{Directory}/{name}");

    /// <summary>stat.</summary>
    public ProcStat? ReadStat() => ReadOrGone("stat") is { } text ? ProcStat.Parse(text) : null;

    /// <summary>status.</summary>
    public ProcStatus? ReadStatus() => ReadOrGone("status") is { } text ? ProcStatusParser.Parse(text) : null;

    /// <summary>limits, in the order of RLIMIT_*.</summary>
    public ResourceLimit[]? ReadLimits() => ReadOrGone("limits") is { } text ? ResourceLimits.Parse(text) : null;

    /// <summary>auxv.</summary>
    public AuxiliaryVector? ReadAuxiliaryVector() => ReadOrGone("auxv") is { } bytes ? AuxiliaryVector.Parse(bytes) : null;

    /// <summary>maps, for one look; <see cref="MapsReader"/> is for many. As there, a reading in which mappings overlap is repeated.</summary>
    public List<MapsEntry>? ReadMaps()
    {
        var entries = new List<MapsEntry>();
        var parser = new MapsParser();
        for (int attempt = 1; ReadOrGone("maps") is { } text; attempt++)
        {
            if (parser.TryParse(text, entries))
                return entries;
            if (attempt == MapsReader.Attempts)
                parser.Parse(text, entries);
        }

        return null;
    }

    /// <summary>smaps. Walks every page: 12 ms and more per GiB.</summary>
    public List<SmapsEntry>? ReadSmaps() => ReadOrGone("smaps") is { } text ? SmapsParser.Parse(text) : null;

    /// <summary>cmdline: the arguments, as the process shows them now. Empty for kernel threads and zombies.</summary>
    public IReadOnlyList<string>? ReadCommandLine() => ReadOrGone("cmdline") is { } bytes ? SplitAtNul(bytes) : null;

    /// <summary>cmdline for people: the arguments with blanks between them, "" if there are none, or the process is gone.</summary>
    public string ReadCommandText() => string.Join(' ', ReadCommandLine() ?? []);

    /// <summary>environ: the environment at exec, as the process's memory holds it now.</summary>
    public IReadOnlyList<string>? ReadEnvironment() => ReadOrGone("environ") is { } bytes ? SplitAtNul(bytes) : null;

    /// <summary>comm: the name of the thread, at most 15 bytes.</summary>
    public string? ReadCommand() => ReadOrGone("comm") is { } bytes ? KernelText.Decode(WithoutNewline(bytes)) : null;

    /// <summary>exe: the program, <c> (deleted)</c> taken off.</summary>
    public LinkedFile? ReadExecutable() => ReadLinkOrGone("exe") is { } target ? LinkedFile.Parse(target) : null;

    /// <summary>cwd: the working directory.</summary>
    public LinkedFile? ReadWorkingDirectory() => ReadLinkOrGone("cwd") is { } target ? LinkedFile.Parse(target) : null;

    /// <summary>root: the root directory.</summary>
    public LinkedFile? ReadRoot() => ReadLinkOrGone("root") is { } target ? LinkedFile.Parse(target) : null;

    /// <summary>fd: the numbers of the open descriptors, ascending. A kept <see cref="DirectoryReader"/> lists without allocating.</summary>
    public List<int>? ListDescriptors() => ListNumbers("fd");

    /// <summary>task: the tids of the process's threads, ascending.</summary>
    public List<int>? ListThreads() => ListNumbers("task");

    /// <summary>fd/N: what a descriptor refers to. Null also if the descriptor isn't open.</summary>
    public DescriptorTarget? ReadDescriptorTarget(int descriptor) =>
        ReadLinkOrGone(string.Create(CultureInfo.InvariantCulture, $"fd/{descriptor}")) is { } target ? DescriptorTarget.Parse(target) : null;

    /// <summary>fdinfo/N: the descriptor's position, flags, and what its kind adds. Null also if the descriptor isn't open.</summary>
    public DescriptorInfo? ReadDescriptorInfo(int descriptor) =>
        ReadOrGone(string.Create(CultureInfo.InvariantCulture, $"fdinfo/{descriptor}")) is { } text ? DescriptorInfoParser.Parse(text) : null;

    private List<int>? ListNumbers(string name)
    {
        using DirectoryReader? directory = DirectoryReader.OpenOrGone($"{Directory}/{name}");
        var numbers = new List<int>();
        if (directory is null)
            return null;
        if (directory.TryList(numbers))
        {
            numbers.Sort();
            return numbers;
        }

        // Nothing listed: gone, or a process that closed every descriptor.
        return ReadStat() is { IsDead: false } ? numbers : null;
    }

    internal static ReadOnlySpan<byte> WithoutNewline(ReadOnlySpan<byte> text) => text.Length > 0 && text[^1] == '\n' ? text[..^1] : text;

    /// <summary>Strings that a NUL ends each; what follows the last NUL is one more, as setproctitle leaves it.</summary>
    internal static List<string> SplitAtNul(ReadOnlySpan<byte> bytes)
    {
        var parts = new List<string>();
        while (!bytes.IsEmpty)
        {
            int end = bytes.IndexOf((byte)0);
            parts.Add(KernelText.Decode(end < 0 ? bytes : bytes[..end]));
            bytes = end < 0 ? default : bytes[(end + 1)..];
        }

        return parts;
    }
}

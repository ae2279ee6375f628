using Snap.Kernel.Abi;
using Snap.Kernel.Files;

namespace Snap.Kernel.Procfs;

/// <summary>The processes that /proc shows us: those of our pid namespace, and with hidepid only those that we may ptrace.</summary>
public static class ProcessTable
{
    /// <summary>The kernel lists a thread's children in its <c>children</c> (CONFIG_PROC_CHILDREN).</summary>
    public static bool HasChildrenFiles { get; } = ProcfsFile.ReadOrGone("/proc/thread-self/children") is not null;

    /// <summary>Pids, ascending.</summary>
    /// <exception cref="KernelException">/proc can't be listed.</exception>
    public static List<int> ListPids()
    {
        var pids = new List<int>();
        using DirectoryReader? directory = DirectoryReader.OpenOrGone("/proc");
        if (directory is null || !directory.TryList(pids))
            throw new KernelException(Errno.ENOENT, "list the processes in /proc");
        pids.Sort();
        return pids;
    }

    /// <summary>stat of every process, by pid ascending; kernel threads and zombies included. No one moment: processes come and go meanwhile.</summary>
    /// <exception cref="KernelException">Any error but ENOENT and ESRCH.</exception>
    /// <exception cref="ProcfsFormatException">The kernel's text isn't understood.</exception>
    public static List<ProcStat> ReadAll() => [.. ListPids().Select(pid => TaskFiles.OfProcess(pid).ReadStat()).OfType<ProcStat>()];

    /// <summary>Pids of the children of <paramref name="pid"/>, of all its threads, zombies included, ascending.</summary>
    /// <remarks>
    /// Complete only while the process is frozen: reading children races with forks and exits. Without <see cref="HasChildrenFiles"/> the parents
    /// of all processes are looked at, which takes time proportional to their number.
    /// </remarks>
    /// <returns>Null if the process is gone.</returns>
    public static List<int>? ReadChildren(int pid)
    {
        TaskFiles process = TaskFiles.OfProcess(pid);
        if (!HasChildrenFiles)
            return process.ReadStat() is null ? null : [.. ReadAll().Where(stat => stat.ParentPid == pid).Select(stat => stat.Pid)];
        if (process.ListThreads() is not { } threads)
            return null;
        var children = new List<int>();
        foreach (int thread in threads)
        {
            if (TaskFiles.OfThread(pid, thread).ReadOrGone("children") is { } text)
                children.AddRange(ParseChildren(text));
        }

        children.Sort();
        return children;
    }

    /// <summary>Pids with a blank behind each.</summary>
    /// <exception cref="ProcfsFormatException">Not so, or cut off.</exception>
    public static List<int> ParseChildren(ReadOnlySpan<byte> text)
    {
        var pids = new List<int>();
        var cursor = new AsciiCursor(text, "children");
        while (!cursor.AtEnd)
        {
            pids.Add(cursor.Signed32());
            cursor.Expect((byte)' ');
        }

        return pids;
    }
}

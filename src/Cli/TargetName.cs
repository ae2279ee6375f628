using System.Globalization;
using Snap.Engine;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;
using Snap.Store;

namespace Snap.Cli;

/// <summary>Finds the process that a TARGET means.</summary>
internal static class TargetName
{
    private const int MostListed = 20;

    /// <summary>A pid as it stands; else the live process that snapshots of this name are of; else the one process of this name.</summary>
    /// <param name="target">What the user typed.</param>
    /// <param name="storeDirectory">The store whose names count; it need not exist.</param>
    /// <exception cref="SnapException">S0290: none. S0291: several.</exception>
    public static int Resolve(string target, string storeDirectory)
    {
        if (target.Length > 0 && target.All(char.IsAsciiDigit))
        {
            return int.TryParse(target, NumberStyles.None, CultureInfo.InvariantCulture, out int pid) ? pid
                : throw new SnapException(ErrorCatalogue.TargetUnknown, $"{target} is no pid", why: "pids end at 4194304", toDo: "ps -e lists what runs");
        }

        return FindRecorded(target, storeDirectory) ?? FindRunning(target);
    }

    private static int? FindRecorded(string name, string storeDirectory)
    {
        if (!Directory.Exists(storeDirectory) || !Directory.EnumerateFileSystemEntries(storeDirectory).Any())
            return null;
        using StoreReader store = StoreReader.Open(storeDirectory);
        if (store.Snapshots.LastOrDefault(snapshot => snapshot.Name == name) is not { } newest)
            return null;
        SnapshotFacts facts = SnapshotFacts.Of(newest);
        bool lives = facts.BootId == SystemFiles.ReadBootId()
            && TaskFiles.OfProcess(facts.Pid).ReadStat() is { IsDead: false } stat && stat.StartTime == facts.StartTime;
        return lives ? facts.Pid : null;
    }

    private static int FindRunning(string name)
    {
        ProcStat[] fitting = [.. ProcessTable.ReadAll().Where(process => !process.IsKernelThread && !process.IsDead
            && process.Pid != Environment.ProcessId && (process.Command == name || NameOfProgram(process.Pid) == name))];
        return fitting.Length switch
        {
            1 => fitting[0].Pid,
            0 => throw new SnapException(ErrorCatalogue.TargetUnknown, $"no process is named '{name}'",
                why: "neither a running process nor a live process with snapshots of this name was found", toDo: "give its pid; ps -e lists what runs"),
            _ => throw new SnapException(ErrorCatalogue.TargetAmbiguous, $"{fitting.Length} processes are named '{name}'",
                where: string.Join(", ", fitting.Take(MostListed).Select(Describe)), toDo: "give the pid of the one you mean"),
        };
    }

    private static string? NameOfProgram(int pid)
    {
        try
        {
            return TaskFiles.OfProcess(pid).ReadExecutable() is { } program ? Path.GetFileName(program.Path) : null;
        }
        catch (KernelException refused) when (refused.Errno is Errno.EACCES or Errno.EPERM)
        {
            // A process with more rights than we have, which may be init even for root: it can't be meant by what we can't see.
            return null;
        }
    }

    private static string Describe(ProcStat process)
    {
        string command = TaskFiles.OfProcess(process.Pid).ReadCommandText();
        return string.Create(CultureInfo.InvariantCulture, $"{process.Pid} ({(command.Length > 60 ? command[..60] + "…" : command)})");
    }
}

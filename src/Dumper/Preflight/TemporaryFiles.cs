using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Preflight;

/// <summary>Files in memory (tmpfs) that have no name any more: nobody but who has them open or mapped can reach them, so they are captured as memfds are.</summary>
/// <remarks>Python's multiprocessing keeps its locks and shared values so, under /dev/shm.</remarks>
internal static class TemporaryFiles
{
    private static volatile HashSet<ulong>? _devices;

    /// <summary>Looks again which file systems are in memory; not in a pause.</summary>
    public static void Refresh() => _devices = Read();

    /// <summary>True for a mapping of a file in memory whose name is gone; whether it has another one, only stat tells.</summary>
    public static bool IsNameless(in MapsEntry entry) => entry.IsDeleted && entry.Inode != 0 && entry.Kind == MappingKind.File && IsInMemory(entry.Device.ToStat());

    /// <summary>True for an open file in memory that has no name.</summary>
    public static bool IsNameless(DescriptorTarget target, in stat file) =>
        target.IsDeleted && file.st_nlink == 0 && ((int)file.st_mode & Stat.S_IFMT) == Stat.S_IFREG && IsInMemory(file.st_dev);

    private static bool IsInMemory(ulong device) => (_devices ??= Read()).Contains(device);

    private static HashSet<ulong> Read() =>
        [.. MountInfoParser.Parse(ProcfsFile.Read("/proc/self/mountinfo")).Where(mount => mount.FileSystemType == "tmpfs").Select(mount => mount.Device.ToStat())];
}

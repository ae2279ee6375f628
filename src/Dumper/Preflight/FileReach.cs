using System.Globalization;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Preflight;

/// <summary>Whether files of a target are still found by their paths, remembered from the live look so that the pause need not ask again.</summary>
internal sealed class FileReach
{
    private readonly Dictionary<string, stat> _known = [];

    /// <summary>Forgets all: the next answers come from the file system.</summary>
    public void Forget() => _known.Clear();

    /// <summary>stat(2) of the path, remembered.</summary>
    /// <returns>Null if there is nothing, or nothing that we may look at.</returns>
    public stat? Look(string path)
    {
        if (_known.TryGetValue(path, out stat known))
            return known;
        if (FileDescriptor.TryStat(path, out stat found).IsError)
            return null;
        _known.Add(path, found);
        return found;
    }

    /// <summary>The path by which an open file is found, or null if by none.</summary>
    /// <param name="text">The link as /proc shows it; a file's own name may end in <c> (deleted)</c>.</param>
    /// <param name="open">stat of the open file.</param>
    public string? PathOf(string text, in stat open) => Look(text) is { } found && found.st_dev == open.st_dev && found.st_ino == open.st_ino ? text : null;

    /// <summary>The path by which a mapped file is found, or null if by none.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="entry">A mapping of the file.</param>
    public string? PathOf(int pid, in MapsEntry entry)
    {
        foreach (string path in (ReadOnlySpan<string>)[entry.Name.ToString(), entry.Name.ToString().Replace("\n", "\\012", StringComparison.Ordinal)])
        {
            if (Look(path) is not { } found || found.st_ino != entry.Inode)
                continue;
            // btrfs and overlays show another device in maps than in stat; the mapping's own link settles it, where we may follow it.
            if (found.st_dev == entry.Device.ToStat() || LookThroughMapping(pid, entry) is not { } mapped || (mapped.st_dev == found.st_dev && mapped.st_ino == found.st_ino))
                return path;
        }

        return null;
    }

    /// <summary>stat(2) of a mapped object; null without the right to follow /proc/PID/map_files.</summary>
    public static stat? LookThroughMapping(int pid, in MapsEntry entry) =>
        FileDescriptor.TryStat(MappingLink(pid, entry), out stat found).IsError ? null : found;

    /// <summary>/proc/PID/map_files/START-END.</summary>
    public static string MappingLink(int pid, in MapsEntry entry) =>
        string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/map_files/{entry.Start:x}-{entry.End:x}");
}

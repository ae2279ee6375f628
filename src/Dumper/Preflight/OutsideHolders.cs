using System.Globalization;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Preflight;

/// <summary>Finds other processes that have a pipe of the target open too: a pipe that looks closed in itself, both ends inside, may still lead outside.</summary>
/// <remarks>
/// Looks through the descriptors of all processes once for each new pipe. Later on another process can only get it by a fork of one that has it (being
/// handed it over a socket is refused), so after that whoever is new is looked at, and whoever left the tree. Where no process came into being since the
/// last look, which the last pid that was given tells, nobody is. Processes that we may not look into are passed over.
/// </remarks>
internal sealed class OutsideHolders
{
    private readonly Dictionary<ulong, int> _holders = [];
    private readonly Dictionary<int, ulong> _known = [];
    private readonly HashSet<int> _members = [];
    private readonly List<int> _numbers = [];
    private int _lastPid = -1;

    /// <summary>A process outside that holds pipe <paramref name="inode"/>; 0 if none is known.</summary>
    public int HolderOf(ulong inode) => _holders.GetValueOrDefault(inode);

    /// <summary>Looks again who holds pipes.</summary>
    /// <param name="inodes">Pipes with both ends inside.</param>
    /// <param name="members">The processes of the tree.</param>
    public void Learn(IReadOnlySet<ulong> inodes, IReadOnlySet<int> members)
    {
        foreach (ulong gone in _holders.Keys.Where(inode => !inodes.Contains(inode)).ToList())
            _holders.Remove(gone);
        if (inodes.Count == 0)
            return;
        int lastPid = SystemFiles.ReadLastPid();
        // One that was held may be so no more.
        bool isFresh = inodes.Any(inode => HolderOf(inode) != 0 || !_holders.ContainsKey(inode));
        if (!isFresh && lastPid == _lastPid && _members.IsSubsetOf(members))
            return;
        foreach (ulong inode in inodes)
            _holders[inode] = 0;
        Dictionary<string, ulong> links = inodes.ToDictionary(inode => string.Create(CultureInfo.InvariantCulture, $"pipe:[{inode}]"));
        foreach (int other in ProcessTable.ListPids())
        {
            if (members.Contains(other))
                _known.Remove(other);
            else if (TaskFiles.OfProcess(other).ReadStat() is { } stat && (isFresh || _known.GetValueOrDefault(other) != stat.StartTime))
                Search(other, stat.StartTime, links);
        }

        _members.Clear();
        _members.UnionWith(members);
        _lastPid = lastPid;
    }

    private void Search(int other, ulong startTime, Dictionary<string, ulong> links)
    {
        _known[other] = startTime;
        try
        {
            using DirectoryReader? directory = DirectoryReader.OpenOrGone(string.Create(CultureInfo.InvariantCulture, $"/proc/{other}/fd"));
            if (directory is null || !directory.TryList(_numbers))
                return;
            foreach (int number in _numbers)
            {
                if (ProcfsFile.ReadLinkOrGone(string.Create(CultureInfo.InvariantCulture, $"/proc/{other}/fd/{number}")) is { } link && links.TryGetValue(link, out ulong inode))
                    _holders[inode] = other;
            }
        }
        catch (KernelException denied) when (denied.Errno is Errno.EACCES or Errno.EPERM)
        {
            // Another user's process; it can't have got our target's pipe but by inheritance, which we then don't see.
        }
    }
}

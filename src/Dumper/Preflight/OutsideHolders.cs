using System.Globalization;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Preflight;

/// <summary>Finds other processes that have a pipe of the target open too: a pipe that looks closed in itself, both ends inside, may still lead outside.</summary>
/// <remarks>
/// Looks through the descriptors of all processes; of a target that never had children once for each new set of pipes: later on another process can only
/// get one by a fork of the target, which makes a child, or by being handed it over a socket, which is refused. A child may leave the tree with what it
/// inherited, so then it is looked for at each checkpoint. Processes that we may not look into are passed over.
/// </remarks>
internal sealed class OutsideHolders
{
    private readonly Dictionary<ulong, int> _holders = [];
    private bool _hadChildren;

    /// <summary>A process outside that holds pipe <paramref name="inode"/>; 0 if none is known.</summary>
    public int HolderOf(ulong inode) => _holders.GetValueOrDefault(inode);

    /// <summary>Looks for the pipes that have not been looked for yet.</summary>
    /// <param name="inodes">Pipes with both ends inside.</param>
    /// <param name="members">The processes of the tree.</param>
    public void Learn(IEnumerable<ulong> inodes, IReadOnlySet<int> members)
    {
        _hadChildren |= members.Count > 1;
        if (_hadChildren)
            _holders.Clear();
        ulong[] fresh = [.. inodes.Where(inode => !_holders.ContainsKey(inode)).Distinct()];
        if (fresh.Length == 0)
            return;
        foreach (ulong inode in fresh)
            _holders[inode] = 0;
        HashSet<string> links = [.. fresh.Select(inode => string.Create(CultureInfo.InvariantCulture, $"pipe:[{inode}]"))];
        var numbers = new List<int>();
        foreach (int other in ProcessTable.ListPids())
        {
            if (!members.Contains(other))
                Search(other, links, numbers);
        }
    }

    private void Search(int other, HashSet<string> links, List<int> numbers)
    {
        try
        {
            using DirectoryReader? directory = DirectoryReader.OpenOrGone(string.Create(CultureInfo.InvariantCulture, $"/proc/{other}/fd"));
            if (directory is null || !directory.TryList(numbers))
                return;
            foreach (int number in numbers)
            {
                if (ProcfsFile.ReadLinkOrGone(string.Create(CultureInfo.InvariantCulture, $"/proc/{other}/fd/{number}")) is { } link && links.Contains(link))
                    _holders[DescriptorTarget.Parse(link).Number] = other;
            }
        }
        catch (KernelException denied) when (denied.Errno is Errno.EACCES or Errno.EPERM)
        {
            // Another user's process; it can't have got our target's pipe but by inheritance, which we then don't see.
        }
    }
}

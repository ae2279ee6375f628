using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Syscalls;

namespace Snap.Dumper.Collect;

/// <summary>The open file descriptions of a tree, each once, whichever of its processes have it open.</summary>
internal sealed class TreeDescriptions
{
    private readonly List<(DescriptorTable Table, OpenDescription Description)> _all = [];

    /// <summary>Each description with the first process that has it; <see cref="OpenDescription.Id"/> is the index.</summary>
    public IReadOnlyList<(DescriptorTable Table, OpenDescription Description)> All => _all;

    /// <summary>Finds what the tables have in common, and numbers all descriptions.</summary>
    public void Unify(IReadOnlyList<DescriptorTable> tables)
    {
        _all.Clear();
        if (tables.Count == 1)
        {
            foreach (OpenDescription description in tables[0].Descriptions)
                _all.Add((tables[0], description));
            return;
        }

        // Only what looks alike in everything that fork shares can be one description; among those kcmp decides, whose order makes the search short.
        Dictionary<(ulong, ulong, uint, long, string), List<(int Pid, OpenDescription Description)>>? alike = null;
        foreach (DescriptorTable table in tables)
        {
            bool isFirst = alike is null;
            alike ??= [];
            foreach (OpenDescription description in table.Descriptions)
            {
                description.Original = null;
                description.Aliases.Clear();
                OpenDescriptor one = description.First;
                var key = (one.Stat.st_dev, one.Stat.st_ino, one.StatusFlags, one.Info.Position, one.Target.Text);
                if (!alike.TryGetValue(key, out List<(int Pid, OpenDescription Description)>? sorted))
                    alike.Add(key, sorted = []);
                int at = Search(sorted, table.Pid, description, out bool found);
                if (found && !isFirst)
                {
                    OpenDescription original = sorted[at].Description;
                    description.Original = original;
                    description.Id = original.Id;
                    original.Aliases.Add(description);
                    continue;
                }

                description.Id = _all.Count;
                _all.Add((table, description));
                sorted.Insert(at, (table.Pid, description));
            }
        }
    }

    private static int Search(List<(int Pid, OpenDescription Description)> sorted, int pid, OpenDescription description, out bool found)
    {
        int low = 0, high = sorted.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (int otherPid, OpenDescription other) = sorted[middle];
            SyscallResult compared = KernelCompare.Descriptions(pid, description.First.Number, otherPid, other.First.Number);
            // A running target may have closed one of them since, or be gone.
            long order = compared.Errno is Errno.EBADF or Errno.ESRCH ? 2 : compared.OrThrow("kcmp of descriptors");
            if (order == 0)
            {
                found = true;
                return middle;
            }

            if (order == 1)
                high = middle;
            else
                low = middle + 1;
        }

        found = false;
        return low;
    }
}

using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Syscalls;

namespace Snap.Dumper.Collect;

/// <summary>Open file descriptions that look alike, sorted by the kernel's order of them (kcmp(2), KCMP_FILE), which makes the search for one short.</summary>
internal sealed class AlikeDescriptions
{
    private readonly List<(int Pid, OpenDescription Description)> _sorted = [];

    /// <summary>Looks for the description behind a descriptor.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="number">Its descriptor.</param>
    /// <param name="mayBeGone">Whether one of the processes may be gone.</param>
    /// <param name="place">Where it is, or would be.</param>
    /// <returns>Null if it isn't among them.</returns>
    public OpenDescription? Find(int pid, int number, bool mayBeGone, out int place)
    {
        int low = 0, high = _sorted.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (int otherPid, OpenDescription other) = _sorted[middle];
            SyscallResult compared = KernelCompare.Descriptions(pid, number, otherPid, other.First.Number);
            // A running target may have closed one of them since.
            bool isGone = compared.Errno == Errno.EBADF || (mayBeGone && compared.Errno == Errno.ESRCH);
            long order = isGone ? 2 : compared.OrThrow("kcmp of descriptors");
            if (order == 0)
            {
                place = middle;
                return other;
            }

            if (order == 1)
                high = middle;
            else
                low = middle + 1;
        }

        place = low;
        return null;
    }

    /// <summary>Adds one at its place.</summary>
    public void Insert(int place, int pid, OpenDescription description) => _sorted.Insert(place, (pid, description));
}

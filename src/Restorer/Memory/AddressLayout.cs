using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Memory;

namespace Snap.Restorer.Memory;

/// <summary>What of an address space is taken, and where something of ours may lie for a while.</summary>
internal sealed class AddressLayout
{
    /// <summary>The end of what a process may map unless it asks for more by address.</summary>
    public const ulong End = 0x7FFFFFFFF000;

    // mmap_min_addr's usual value, and a place well above programs that aren't position independent.
    private const ulong Lowest = 0x10000, Preferred = 0x100000000;

    // Below the place where the kernel puts the stack of a new program, wherever it randomises it to.
    private const ulong Highest = 0x7F0000000000;

    // So that nothing of ours merges with a neighbour or stands in the way of a stack.
    private const ulong Margin = 1 << 20;

    private readonly SortedDictionary<ulong, ulong> _taken = [];

    public AddressLayout(IEnumerable<MappingImage> mappings)
    {
        foreach (MappingImage mapping in mappings)
            // Mappings may be of several processes.
            _taken[mapping.Start] = Math.Max(mapping.End, _taken.GetValueOrDefault(mapping.Start));
    }

    /// <summary>Takes what is known to be a hole.</summary>
    public void Take(RemoteRange range) => _taken[range.Start.Value] = range.End.Value;

    /// <summary>Takes a hole.</summary>
    /// <returns>Null if none is large enough.</returns>
    public RemoteRange? TryTake(ulong length)
    {
        RemoteRange? found = Find(length, Preferred, Highest) ?? Find(length, Lowest, Preferred) ?? Find(length, Highest, End);
        if (found is { } range)
            _taken[range.Start.Value] = range.End.Value;
        return found;
    }

    private RemoteRange? Find(ulong length, ulong from, ulong to)
    {
        ulong at = from;
        foreach ((ulong start, ulong end) in _taken)
        {
            if (end <= at)
                continue;
            if (start >= at && start - at >= length + (2 * Margin))
                break;
            at = Math.Max(at, end);
        }

        return at < to && to - at >= length + (2 * Margin) ? new RemoteRange(new RemoteAddress(at + Margin), length) : null;
    }
}

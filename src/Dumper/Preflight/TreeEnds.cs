using Snap.Dumper.Collect;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Preflight;

/// <summary>What the descriptors of all processes of a tree say together: what is open as 0, 1 or 2 anywhere, and which pipes have both ends inside.</summary>
internal sealed class TreeEnds
{
    private readonly Dictionary<(ulong, ulong), int> _standard = [];
    private readonly HashSet<ulong> _readEnds = [];
    private readonly HashSet<ulong> _writeEnds = [];

    /// <summary>Pipes with both ends inside, whoever else may have them.</summary>
    public IEnumerable<ulong> ClosedPipes => _readEnds.Intersect(_writeEnds);

    /// <summary>Takes what the tables say instead of what others said before.</summary>
    public void Learn(IEnumerable<DescriptorTable> tables)
    {
        _standard.Clear();
        _readEnds.Clear();
        _writeEnds.Clear();
        foreach (OpenDescriptor descriptor in tables.SelectMany(table => table.Descriptors))
        {
            if (descriptor.Number <= 2)
                _standard.TryAdd(descriptor.Object, descriptor.Number);
            if (descriptor.Target.Kind != DescriptorKind.Pipe)
                continue;
            if (descriptor.CanRead)
                _readEnds.Add(descriptor.Target.Number);
            if (descriptor.CanWrite)
                _writeEnds.Add(descriptor.Target.Number);
        }
    }

    /// <summary>True if both ends of a pipe are inside.</summary>
    public bool IsClosed(ulong pipe) => _readEnds.Contains(pipe) && _writeEnds.Contains(pipe);

    /// <summary>The lowest of 0, 1, 2 that an object is open as, in the first process where it is.</summary>
    public bool TryFindStandard((ulong Device, ulong Inode) opened, out int number) => _standard.TryGetValue(opened, out number);
}

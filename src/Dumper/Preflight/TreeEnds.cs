using Snap.Dumper.Collect;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Preflight;

/// <summary>What the descriptors of all processes of a tree say together: what is open as 0, 1 or 2 anywhere, and which pipes have both ends inside.</summary>
internal sealed class TreeEnds
{
    private readonly Dictionary<(ulong, ulong), int> _standard = [];
    private readonly HashSet<(ulong, ulong)> _rootStandard = [];
    private readonly HashSet<ulong> _readEnds = [];
    private readonly HashSet<ulong> _writeEnds = [];
    private readonly HashSet<(ulong, ulong)> _readNamed = [];
    private readonly HashSet<(ulong, ulong)> _writtenNamed = [];

    /// <summary>Pipes with both ends inside, whoever else may have them.</summary>
    public HashSet<ulong> ClosedPipes => [.. _readEnds.Intersect(_writeEnds)];

    /// <summary>Takes what the tables say instead of what others said before.</summary>
    /// <param name="tables">The root's first.</param>
    public void Learn(IReadOnlyList<DescriptorTable> tables)
    {
        _standard.Clear();
        _rootStandard.Clear();
        _readEnds.Clear();
        _writeEnds.Clear();
        _readNamed.Clear();
        _writtenNamed.Clear();
        if (tables.Count > 0)
            _rootStandard.UnionWith(tables[0].Descriptors.Where(descriptor => descriptor.Number <= 2).Select(descriptor => descriptor.Object));
        foreach (OpenDescriptor descriptor in tables.SelectMany(table => table.Descriptors))
        {
            if (descriptor.Number <= 2)
                _standard.TryAdd(descriptor.Object, descriptor.Number);
            if (descriptor.Target.Kind == DescriptorKind.Path && descriptor.FileType == Stat.S_IFIFO)
            {
                if (descriptor.CanRead)
                    _readNamed.Add(descriptor.Object);
                if (descriptor.CanWrite)
                    _writtenNamed.Add(descriptor.Object);
            }

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

    /// <summary>True if a named pipe is open for reading and for writing inside.</summary>
    public bool IsClosedNamed((ulong Device, ulong Inode) pipe) => _readNamed.Contains(pipe) && _writtenNamed.Contains(pipe);

    /// <summary>True if the root has an object open as 0, 1 or 2: what the whole tree got from whoever started it.</summary>
    public bool IsRootStandard((ulong Device, ulong Inode) opened) => _rootStandard.Contains(opened);

    /// <summary>The lowest of 0, 1, 2 that an object is open as, in the first process where it is.</summary>
    public bool TryFindStandard((ulong Device, ulong Inode) opened, out int number) => _standard.TryGetValue(opened, out number);
}

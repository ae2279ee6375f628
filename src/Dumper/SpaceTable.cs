using Snap.Dumper.Collect;
using Snap.Image;

namespace Snap.Dumper;

/// <summary>Gives spaces their ids: those of the parent snapshot where it is the same process or object, new ones else.</summary>
internal sealed class SpaceTable : ISpaceIds
{
    private readonly Dictionary<int, SpaceId> _processes = [];
    private readonly Dictionary<(ulong Device, ulong Inode), SpaceId> _objects = [];
    private readonly HashSet<SpaceId> _stored = [];
    private readonly HashSet<SpaceId> _used = [];
    private readonly Dictionary<SpaceId, ulong> _removed = [];
    private uint _last;

    /// <summary>Starts from the spaces of the parent.</summary>
    public SpaceTable(IReadOnlyList<SpaceImage> known)
    {
        foreach (SpaceImage space in known)
        {
            if (space.Kind == SpaceKind.AddressSpace)
                _processes[space.Pid] = space.Id;
            else
                _objects[(space.Device, space.Inode)] = space.Id;
            _stored.Add(space.Id);
            _last = Math.Max(_last, space.Id.Value);
        }
    }

    /// <summary>Spaces that a reader may still know and that no longer exist.</summary>
    public IReadOnlyList<SpaceId> Removed => [.. _stored.Where(space => !_used.Contains(space))];

    /// <inheritdoc/>
    public SpaceId AddressSpace(int pid) => Use(_processes, pid);

    /// <inheritdoc/>
    public SpaceId SharedObject(ulong device, ulong inode) => Use(_objects, (device, inode));

    /// <summary>The id that a process's private pages will have if the freeze still finds it.</summary>
    public SpaceId Reserve(int pid) => Find(_processes, pid);

    /// <summary>True if it was asked for in this interval, other than by reserving it.</summary>
    public bool IsUsed(SpaceId space) => _used.Contains(space);

    /// <summary>The id that a shared-memory object will have if the freeze still finds it.</summary>
    public SpaceId Reserve(ulong device, ulong inode) => Find(_objects, (device, inode));

    /// <summary>Starts an interval: what is asked for from now on exists.</summary>
    public void Begin() => _used.Clear();

    /// <summary>The interval is complete: a reader may know its spaces from now on, whether it is stored or not.</summary>
    public void End(ulong interval)
    {
        foreach (SpaceId gone in Removed)
            _removed.TryAdd(gone, interval);
        foreach (SpaceId again in _used)
            _removed.Remove(again);
        _stored.UnionWith(_used);
        // An inode number may be given to another object later: what is gone is forgotten, but stays among the stored ones, to be removed again
        // with each interval until one that removed it is durable.
        foreach ((ulong, ulong) gone in _objects.Where(entry => !_used.Contains(entry.Value)).Select(entry => entry.Key).ToList())
            _objects.Remove(gone);
    }

    /// <summary>The interval, and all before it, are durable: what they removed no reader knows any more. Of a tree whose processes come and go that is much.</summary>
    public void Committed(ulong interval)
    {
        foreach (SpaceId gone in _removed.Where(entry => entry.Value <= interval).Select(entry => entry.Key).ToList())
        {
            _removed.Remove(gone);
            _stored.Remove(gone);
            foreach (int pid in _processes.Where(entry => entry.Value == gone).Select(entry => entry.Key).ToList())
                _processes.Remove(pid);
        }
    }

    /// <summary>The interval, and all after it, were not stored: what they removed is removed again.</summary>
    public void Failed(ulong interval)
    {
        foreach (SpaceId known in _removed.Where(entry => entry.Value >= interval).Select(entry => entry.Key).ToList())
            _removed.Remove(known);
    }

    private SpaceId Use<TKey>(Dictionary<TKey, SpaceId> known, TKey key)
        where TKey : notnull
    {
        SpaceId space = Find(known, key);
        _used.Add(space);
        return space;
    }

    private SpaceId Find<TKey>(Dictionary<TKey, SpaceId> known, TKey key)
        where TKey : notnull
    {
        // One that was removed in an interval under way belonged to another process, whose pid has been given again: it is about to be forgotten.
        if (!known.TryGetValue(key, out SpaceId space) || _removed.ContainsKey(space))
            known[key] = space = new SpaceId(++_last);
        return space;
    }
}

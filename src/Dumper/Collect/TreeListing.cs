using System.Globalization;
using System.Runtime.InteropServices;
using Snap.Kernel.Files;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Collect;

/// <summary>Lists a process and all its descendants, zombies included, parents before children.</summary>
/// <remarks>
/// Exact only while all of them stand still. Where the kernel doesn't list children (CONFIG_PROC_CHILDREN) every process of the machine is looked at, over
/// buffers that are kept, since this happens in a pause, too. Whoever was left behind by a parent that ended is no descendant any more, unless a process of
/// the tree adopts orphans (PR_SET_CHILD_SUBREAPER).
/// </remarks>
internal sealed class TreeListing : IDisposable
{
    private readonly DirectoryReader? _all = ProcessTable.HasChildrenFiles ? null : DirectoryReader.OpenOrGone("/proc");
    private readonly List<int> _pids = [];
    private readonly List<(int Parent, int Pid)> _parents = [];
    private readonly List<int> _order = [];
    private readonly List<ProcStat> _entries = [];
    private readonly List<(int Pid, ulong StartTime, bool IsDead)> _now = [];
    private readonly List<(int Pid, ulong StartTime, bool IsDead)> _before = [];
    private readonly ProcText _text = new();
    private bool _hasMissed;

    /// <summary>What the last listing found.</summary>
    public IReadOnlyList<ProcStat> Entries => _entries;

    /// <summary>The last listing found the same as the one before, and nobody vanished while it was made.</summary>
    /// <remarks>
    /// Whoever ends while the list is made hands its children to others, which may have been looked at already; and in the kernel's children files it takes a
    /// brother along. So a listing of processes that stand still is complete only if nobody ended in it.
    /// </remarks>
    public bool IsSettled { get; private set; }

    /// <summary>All that the last listing found stand still from now on, but for those that end.</summary>
    /// <remarks>Children files are read one after the other, so there two listings of this freeze have to agree; all processes of the machine are listed in one step.</remarks>
    public void BeginFrozen()
    {
        if (_all is null)
            _before.Clear();
    }

    /// <summary>Lists the tree of <paramref name="root"/>.</summary>
    /// <returns>False if the root is gone.</returns>
    public bool TryRead(int root)
    {
        _hasMissed = false;
        _order.Clear();
        _order.Add(root);
        if (_all is not null)
            ReadParents();
        for (int i = 0; i < _order.Count; i++)
            AddChildren(_order[i]);
        _entries.Clear();
        _now.Clear();
        foreach (int pid in _order)
        {
            if (_text.TryRead(Path(pid), out ReadOnlySpan<byte> stat))
            {
                ProcStat entry = ProcStat.Parse(stat);
                _entries.Add(entry);
                _now.Add((pid, entry.StartTime, entry.IsDead));
            }
            else
            {
                _hasMissed = true;
            }
        }

        IsSettled = !_hasMissed && CollectionsMarshal.AsSpan(_now).SequenceEqual(CollectionsMarshal.AsSpan(_before));
        _before.Clear();
        _before.AddRange(_now);
        return _entries.Count > 0 && _entries[0].Pid == root;
    }

    /// <inheritdoc/>
    public void Dispose() => _all?.Dispose();

    private void AddChildren(int pid)
    {
        if (_all is null)
        {
            foreach (int child in ProcessTable.ReadChildren(pid) ?? [])
                Add(child);
            return;
        }

        int at = _parents.BinarySearch((pid, 0));
        for (at = at < 0 ? ~at : at; at < _parents.Count && _parents[at].Parent == pid; at++)
            Add(_parents[at].Pid);
    }

    // Read at several moments, parents may even form a ring.
    private void Add(int pid)
    {
        if (!_order.Contains(pid))
            _order.Add(pid);
    }

    private void ReadParents()
    {
        _parents.Clear();
        _all!.TryList(_pids);
        foreach (int pid in _pids)
        {
            if (!_text.TryRead(Path(pid), out ReadOnlySpan<byte> stat))
                _hasMissed = true;
            else if (ParentOf(stat) is > 0 and var parent)
                _parents.Add((parent, pid));
        }

        _parents.Sort();
    }

    // pid (name) state ppid: the name may hold anything, parentheses included.
    private static int ParentOf(ReadOnlySpan<byte> stat)
    {
        int parent = 0;
        for (int at = stat.LastIndexOf((byte)')') + 4; at < stat.Length && stat[at] is >= (byte)'0' and <= (byte)'9'; at++)
            parent = (parent * 10) + (stat[at] - '0');
        return parent;
    }

    private static string Path(int pid) => string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat");
}

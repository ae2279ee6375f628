// A disk in memory that remembers every change, and yields the images that a power cut could leave.
// Faults it injects:
// - a power cut after any change: changes that a later sync covers are there; of the others any subset, each write torn at 512 bytes;
// - names (create, rename, unlink) are durable only after a sync of their directory, bytes and lengths only after a sync of their file;
// - the n-th change fails, once or for good: with no effect, or a short write that leaves a part;
// - a sync that fails may have lost what it was for: no later sync makes that durable, though reading still shows it (the page cache);
// - locks end with the "process" that holds them.
// It does not model: a device that acknowledges a sync and loses it, and bytes that rot (tests flip them themselves).
using Snap.Store.Disk;

namespace Snap.Store.Tests.Disk;

internal sealed class CrashDisk : IDisk
{
    private const int Sector = 512;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Node> _names = [];
    private readonly HashSet<string> _directories = [""];
    private readonly List<Change> _changes = [];
    private readonly Dictionary<string, Node> _baseNames = [];
    private readonly Dictionary<string, List<Held>> _locks = [];
    private Prefix? _prefix;

    /// <summary>Changes made so far, failed ones included.</summary>
    public int ChangeCount { get; private set; }

    /// <summary>Number of the change that fails (0 = the first); with <see cref="FailForGood"/> every one from it on.</summary>
    public int FailAt { get; set; } = int.MaxValue;

    public bool FailForGood { get; set; }

    public int FailErrno { get; set; } = DiskFailure.ENOSPC;

    /// <summary>True: a failing write leaves its first half.</summary>
    public bool ShortWrites { get; set; }

    /// <summary>Room for all files' bytes; beyond it, ENOSPC.</summary>
    public long CapacityBytes { get; set; } = long.MaxValue;

    public long UsedBytes
    {
        get
        {
            lock (_gate)
                return _names.Values.Distinct().Sum(node => (long)node.Bytes.Count);
        }
    }

    public int LoggedChanges => _changes.Count;

    /// <summary>Bytes that were read from files.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Called before a file is created, with its path: a test does something else in the middle of an operation.</summary>
    public Action<string>? BeforeCreate { get; set; }

    public string Describe(string path) => "/crash/" + path;

    public string? CacheDirectory(string path) => null;

    public IDiskFile? OpenOrNull(string path, bool forWriting)
    {
        lock (_gate)
            return _names.TryGetValue(path, out Node? node) ? new OpenFile(this, node, path) : null;
    }

    public IDiskFile CreateNew(string path)
    {
        BeforeCreate?.Invoke(path);
        lock (_gate)
        {
            if (_names.ContainsKey(path))
                throw DiskFailure.Make("create a file in", Describe(path), DiskFailure.EEXIST);
            Fail("create a file in", path);
            var node = new Node();
            _names[path] = node;
            _changes.Add(new Change(ChangeKind.Link, path, node, null, 0));
            return new OpenFile(this, node, path);
        }
    }

    public IDiskFile OpenOrCreate(string path) => OpenOrNull(path, true) ?? CreateNew(path);

    public IReadOnlyList<string> List(string directory)
    {
        lock (_gate)
        {
            string prefix = directory.Length == 0 ? "" : directory + "/";
            return [.. _names.Keys.Concat(_directories).Where(name => name.Length > prefix.Length && name.StartsWith(prefix, StringComparison.Ordinal)
                && !name[prefix.Length..].Contains('/')).Select(name => name[prefix.Length..])];
        }
    }

    public void CreateDirectory(string path)
    {
        lock (_gate)
            _directories.Add(path);
    }

    public void Rename(string from, string to)
    {
        lock (_gate)
        {
            Fail("rename a file of", from);
            Node node = _names[from];
            _names.Remove(from);
            _names[to] = node;
            _changes.Add(new Change(ChangeKind.Rename, from, node, to, 0));
        }
    }

    public void Unlink(string path)
    {
        lock (_gate)
        {
            if (!_names.TryGetValue(path, out Node? node))
                return;
            Fail("remove a file of", path);
            _names.Remove(path);
            _changes.Add(new Change(ChangeKind.Unlink, path, node, null, 0));
        }
    }

    public void SyncDirectory(string path)
    {
        lock (_gate)
        {
            Sync("sync a directory of", path, change => change.IsName && DirectoryOf(change.Path) == path);
            _changes.Add(new Change(ChangeKind.Sync, path, new Node(), null, 0));
        }
    }

    /// <summary>Ends the process: locks are gone. What was written is all there, as after kill -9.</summary>
    public void KillProcess()
    {
        lock (_gate)
            _locks.Clear();
    }

    /// <summary>Indices of the changes before <paramref name="cut"/> that no sync before the cut covers.</summary>
    public List<int> UnsyncedAt(int cut) => [.. Enumerable.Range(0, cut).Where(i => _changes[i].Kind != ChangeKind.Sync && _changes[i].DurableSince > cut)];

    /// <summary>The disk as a power cut after the first <paramref name="cut"/> changes could leave it.</summary>
    /// <param name="cut">Changes made before the cut.</param>
    /// <param name="isKept">Asked for each unsynced change: whether it reached the disk, and of a write, which sectors (null = none).</param>
    public CrashDisk After(int cut, Func<int, int, bool[]?> isKept)
    {
        int settled = SettledAt(cut);
        if (_prefix is null || _prefix.Length > settled)
            _prefix = new Prefix(0, _baseNames.ToDictionary(), _baseNames.Values.Distinct().ToDictionary(node => node, node => node.BaseCopy()));
        if (_prefix.Length < settled)
        {
            Replay(_prefix.Names, _prefix.Nodes, _prefix.Length, settled, cut, (_, _) => null);
            _prefix = _prefix with { Length = settled };
        }
        var nodes = new Dictionary<Node, Node>();
        foreach ((Node node, Node copy) in _prefix.Nodes)
            nodes.Add(node, copy.Copy());
        var names = new Dictionary<string, Node>(_prefix.Names);
        Replay(names, nodes, settled, cut, cut, isKept);
        var image = new CrashDisk();
        foreach (string directory in _directories)
            image._directories.Add(directory);
        foreach ((string path, Node node) in names)
        {
            Node copy = nodes[node];
            copy.SetBase();
            image._names[path] = copy;
            image._baseNames[path] = copy;
        }
        return image;
    }

    /// <summary>A hash of all names and bytes: two disks with the same one hold the same.</summary>
    public UInt128 ContentHash()
    {
        var hash = new System.IO.Hashing.XxHash128();
        foreach ((string path, Node node) in _names.OrderBy(name => name.Key, StringComparer.Ordinal))
        {
            hash.Append(System.Text.Encoding.UTF8.GetBytes($"{path}\n{node.Bytes.Count}\n"));
            hash.Append(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(node.Bytes));
        }
        return hash.GetCurrentHashAsUInt128();
    }

    /// <summary>Changes before the cut's first unsynced one: they are there in every image.</summary>
    private int SettledAt(int cut)
    {
        int settled = 0;
        while (settled < cut && (_changes[settled].Kind == ChangeKind.Sync || _changes[settled].DurableSince <= cut))
            settled++;
        return settled;
    }

    /// <summary>Applies changes; names map to the nodes of this disk, whose copies hold the bytes.</summary>
    private void Replay(Dictionary<string, Node> names, Dictionary<Node, Node> nodes, int from, int to, int cut, Func<int, int, bool[]?> isKept)
    {
        for (int i = from; i < to; i++)
        {
            Change change = _changes[i];
            if (change.Kind == ChangeKind.Sync)
                continue;
            int sectors = change.Kind == ChangeKind.Write ? (change.Bytes!.Length + Sector - 1) / Sector : 1;
            bool isDurable = change.DurableSince <= cut;
            bool[]? kept = isDurable ? null : isKept(i, sectors);
            if (!isDurable && kept is null)
                continue;
            if (!nodes.TryGetValue(change.Node, out Node? node))
                nodes[change.Node] = node = change.Node.BaseCopy();
            switch (change.Kind)
            {
                case ChangeKind.Link:
                    names[change.Path] = change.Node;
                    break;
                case ChangeKind.Rename:
                    if (names.TryGetValue(change.Path, out Node? current) && current == change.Node)
                        names.Remove(change.Path);
                    names[change.To!] = change.Node;
                    break;
                case ChangeKind.Unlink:
                    if (names.TryGetValue(change.Path, out Node? named) && named == change.Node)
                        names.Remove(change.Path);
                    break;
                case ChangeKind.Truncate:
                    node.Resize((int)change.Offset);
                    break;
                default:
                    for (int sector = 0; sector < sectors; sector++)
                    {
                        if (kept is null || kept[sector])
                            node.Write(change.Bytes.AsSpan(sector * Sector, Math.Min(Sector, change.Bytes!.Length - (sector * Sector))), (int)change.Offset + (sector * Sector));
                    }
                    break;
            }
        }
    }

    /// <summary>This disk without its history: everything is durable.</summary>
    public CrashDisk Copy() => After(_changes.Count, (_, sectors) => [.. Enumerable.Repeat(true, sectors)]);

    /// <summary>A file's bytes, to be damaged by a test.</summary>
    public byte[] BytesOf(string path) => [.. _names[path].Bytes];

    public void SetBytes(string path, byte[] bytes)
    {
        _names[path].Replace([.. bytes]);
    }

    public IEnumerable<string> Paths => _names.Keys.Order(StringComparer.Ordinal);

    private static string DirectoryOf(string path) => path.Contains('/') ? path[..path.LastIndexOf('/')] : "";

    private void Fail(string verb, string path)
    {
        int number = ChangeCount++;
        if (number == FailAt || (FailForGood && number > FailAt))
            throw DiskFailure.Make(verb, Describe(path), FailErrno);
    }

    /// <summary>Makes changes durable, or fails, and then they never will be.</summary>
    private void Sync(string verb, string path, Predicate<Change> isMeant)
    {
        Change[] meant = [.. _changes.Where(change => change.DurableSince == int.MaxValue && !change.IsLost && isMeant(change))];
        try
        {
            Fail(verb, path);
        }
        catch (Image.SnapException)
        {
            foreach (Change change in meant)
                change.IsLost = true;
            throw;
        }
        foreach (Change change in meant)
            change.DurableSince = _changes.Count + 1;
    }

    /// <summary>The disk behind its first changes, all durable: images of later cuts begin with it.</summary>
    private sealed record Prefix(int Length, Dictionary<string, Node> Names, Dictionary<Node, Node> Nodes);

    private enum ChangeKind
    {
        Link,
        Rename,
        Unlink,
        Write,
        Truncate,
        Sync,
    }

    private sealed class Change(ChangeKind kind, string path, Node node, string? to, long offset, byte[]? bytes = null)
    {
        public ChangeKind Kind => kind;
        public string Path => path;
        public Node Node => node;
        public string? To => to;
        public long Offset => offset;
        public byte[]? Bytes => bytes;
        public bool IsName => kind is ChangeKind.Link or ChangeKind.Rename or ChangeKind.Unlink;

        /// <summary>Number of changes, syncs included, behind which this one is covered by a sync.</summary>
        public int DurableSince { get; set; } = int.MaxValue;

        /// <summary>True if a sync of it failed.</summary>
        public bool IsLost { get; set; }
    }

    private sealed class Node
    {
        private List<byte> _base = [];
        private bool _isShared;

        /// <summary>The bytes; several nodes may share them until one changes.</summary>
        public List<byte> Bytes { get; private set; } = [];

        public Node Copy() => Share(Bytes);

        /// <summary>A node with the bytes from before the first change.</summary>
        public Node BaseCopy() => Share(_base);

        public void SetBase() => (_base, _isShared) = (Bytes, true);

        public void Replace(List<byte> bytes)
        {
            Bytes = bytes;
            SetBase();
        }

        private Node Share(List<byte> bytes)
        {
            if (bytes == Bytes)
                _isShared = true;
            return new Node { Bytes = bytes, _base = bytes, _isShared = true };
        }

        private void Own()
        {
            if (_isShared)
                (Bytes, _isShared) = ([.. Bytes], false);
        }

        public void Resize(int length)
        {
            Own();
            if (length < Bytes.Count)
                Bytes.RemoveRange(length, Bytes.Count - length);
            else
                System.Runtime.InteropServices.CollectionsMarshal.SetCount(Bytes, length);
        }

        public void Write(ReadOnlySpan<byte> bytes, int offset)
        {
            Own();
            int old = Bytes.Count;
            if (offset + bytes.Length > old)
            {
                System.Runtime.InteropServices.CollectionsMarshal.SetCount(Bytes, offset + bytes.Length);
                if (offset > old)
                    System.Runtime.InteropServices.CollectionsMarshal.AsSpan(Bytes)[old..offset].Clear();
            }
            bytes.CopyTo(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(Bytes)[offset..]);
        }
    }

    private sealed record Held(OpenFile By, long Offset, long Length, bool Exclusive);

    private sealed class OpenFile(CrashDisk disk, Node node, string path) : IDiskFile
    {
        public long Length
        {
            get
            {
                lock (disk._gate)
                    return node.Bytes.Count;
            }
        }

        public int Read(Span<byte> into, long offset)
        {
            lock (disk._gate)
            {
                int count = (int)Math.Clamp(node.Bytes.Count - offset, 0, into.Length);
                disk.BytesRead += count;
                System.Runtime.InteropServices.CollectionsMarshal.AsSpan(node.Bytes).Slice((int)Math.Min(offset, node.Bytes.Count), count).CopyTo(into);
                return count;
            }
        }

        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            lock (disk._gate)
            {
                try
                {
                    disk.Fail("write to", path);
                }
                catch (Image.SnapException) when (disk.ShortWrites)
                {
                    Apply(bytes[..(bytes.Length / 2)], offset);
                    throw;
                }
                Apply(bytes, offset);
            }
        }

        private void Apply(ReadOnlySpan<byte> bytes, long offset)
        {
            if (disk.CapacityBytes < long.MaxValue && offset + bytes.Length > node.Bytes.Count
                && disk.UsedBytes + offset + bytes.Length - node.Bytes.Count > disk.CapacityBytes)
                throw DiskFailure.Make("write to", disk.Describe(path), DiskFailure.ENOSPC);
            node.Write(bytes, (int)offset);
            disk._changes.Add(new Change(ChangeKind.Write, path, node, null, offset, bytes.ToArray()));
        }

        public void Truncate(long length)
        {
            lock (disk._gate)
            {
                disk.Fail("cut a file of", path);
                node.Resize((int)length);
                disk._changes.Add(new Change(ChangeKind.Truncate, path, node, null, length));
            }
        }

        public void Expect(long offset, long length)
        {
        }

        public void Reserve(long length)
        {
            lock (disk._gate)
            {
                disk.Fail("reserve room for", path);
                if (node.Bytes.Count >= length)
                    return;
                if (disk.CapacityBytes < long.MaxValue && disk.UsedBytes + length - node.Bytes.Count > disk.CapacityBytes)
                    throw DiskFailure.Make("reserve room for", disk.Describe(path), DiskFailure.ENOSPC);
                Truncate(length);
            }
        }

        public void SyncData()
        {
            lock (disk._gate)
            {
                disk.Sync("sync", path, change => !change.IsName && change.Node == node);
                disk._changes.Add(new Change(ChangeKind.Sync, path, node, null, 0));
            }
        }

        public bool TryLock(long offset, long length, bool exclusive)
        {
            lock (disk._gate)
            {
                List<Held> held = disk._locks.TryGetValue(path, out List<Held>? there) ? there : disk._locks[path] = [];
                if (held.Exists(other => other.By != this && Overlaps(other, offset, length) && (exclusive || other.Exclusive)))
                    return false;
                held.Add(new Held(this, offset, length, exclusive));
                return true;
            }
        }

        public void Unlock(long offset, long length)
        {
            lock (disk._gate)
            {
                if (disk._locks.TryGetValue(path, out List<Held>? held))
                    held.RemoveAll(other => other.By == this && Overlaps(other, offset, length));
            }
        }

        public bool IsLockedByOthers(long offset, long length)
        {
            lock (disk._gate)
                return disk._locks.TryGetValue(path, out List<Held>? held) && held.Exists(other => other.By != this && Overlaps(other, offset, length));
        }

        public void Dispose()
        {
            lock (disk._gate)
            {
                if (disk._locks.TryGetValue(path, out List<Held>? held))
                    held.RemoveAll(other => other.By == this);
            }
        }

        private static bool Overlaps(Held held, long offset, long length) => held.Offset < offset + length && offset < held.Offset + held.Length;
    }
}

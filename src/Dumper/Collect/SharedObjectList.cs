using Snap.Dumper.Preflight;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Procfs;
using Snap.Kernel.Syscalls;

namespace Snap.Dumper.Collect;

/// <summary>The shared-memory objects of a process, mapped or only open, each once.</summary>
internal sealed class SharedObjectList(int pid)
{
    private readonly List<SharedObject> _objects = [];
    private bool _canFollowMappings = true;

    /// <summary>Those of the last listing.</summary>
    public IReadOnlyList<SharedObject> Objects => _objects;

    /// <summary>Lists them anew.</summary>
    public void List(DescriptorTable descriptors, IReadOnlyList<MapsEntry> mappings)
    {
        _objects.Clear();
        foreach (OpenDescription open in descriptors.Descriptions)
        {
            if (open.Class != DescriptionClass.Memfd || _objects.Exists(known => known.Inode == open.First.Stat.st_ino && known.Device == open.First.Stat.st_dev))
                continue;
            _objects.Add(new SharedObject
            {
                Pid = pid,
                Device = open.First.Stat.st_dev, Inode = open.First.Stat.st_ino, Length = (ulong)open.First.Stat.st_size, Kind = SpaceKind.Memfd,
                Name = ImageText.Of(NameOf(open.First.Target.Name)), Seals = (open.Original ?? open).Extra, Mode = (int)open.First.Stat.st_mode & 0x1FF, Descriptor = open.First.Number,
            });
        }

        foreach (MapsEntry entry in mappings)
        {
            if (!MappingRules.IsSharedMemory(entry))
                continue;
            ulong device = entry.Device.ToStat(), inode = entry.Inode;
            int index = _objects.FindIndex(known => known.Inode == inode && known.Device == device);
            if (index < 0)
                _objects.Add(OnlyMapped(entry));
            else if (_objects[index].Mapping is null || IsMoreReadable(entry, _objects[index].Mapping!.Value))
                _objects[index] = _objects[index] with { Mapping = entry, Length = Math.Max(_objects[index].Length, FallbackLength(_objects[index], entry)) };
            else
                _objects[index] = _objects[index] with { Length = Math.Max(_objects[index].Length, FallbackLength(_objects[index], entry)) };
        }
    }

    /// <summary>Adds those of another process that aren't known yet; of one that both have, what reaches it best is kept.</summary>
    public static void Merge(List<SharedObject> known, IReadOnlyList<SharedObject> more)
    {
        foreach (SharedObject one in more)
        {
            int index = known.FindIndex(other => other.Inode == one.Inode && other.Device == one.Device);
            if (index < 0)
            {
                known.Add(one);
                continue;
            }

            SharedObject other = known[index];
            ulong length = Math.Max(other.Length, one.Length);
            known[index] = (other.Descriptor < 0 && one.Descriptor >= 0 ? one : other) with { Length = length };
        }
    }

    private static bool IsMoreReadable(in MapsEntry entry, in MapsEntry known) => entry.IsReadable && !known.IsReadable;

    // Only where neither a descriptor nor map_files told: what is mapped is the least the object can be.
    private ulong FallbackLength(SharedObject known, in MapsEntry entry) => known.Descriptor < 0 && !_canFollowMappings ? entry.Offset + entry.Length : 0;

    private SharedObject OnlyMapped(in MapsEntry entry)
    {
        bool isMemfd = MappingRules.IsMemfd(entry) || TemporaryFiles.IsNameless(entry);
        stat? looked = FileReach.LookThroughMapping(pid, entry);
        _canFollowMappings = looked is not null;
        int seals = isMemfd && looked is not null ? ReadSeals(entry) : 0;
        return new SharedObject
        {
            Pid = pid,
            Device = entry.Device.ToStat(), Inode = entry.Inode, Length = looked is { } found ? (ulong)found.st_size : entry.Offset + entry.Length,
            Kind = isMemfd ? SpaceKind.Memfd : SpaceKind.SharedAnonymous, Name = isMemfd ? ImageText.Of(MappingRules.IsMemfd(entry) ? entry.Path["/memfd:".Length..] : NameOf(entry.Path)) : null,
            Seals = seals, Mode = looked is { } known ? (int)known.st_mode & 0x1FF : 0x1FF, Mapping = entry,
        };
    }

    // A file that had a name becomes a memfd that is called as it was.
    private static string NameOf(string name) => name.StartsWith('/') ? Path.GetFileName(name) : name;

    private int ReadSeals(in MapsEntry entry)
    {
        if (FileDescriptor.TryOpen(FileReach.MappingLink(pid, entry), Fcntl.O_RDONLY, 0, out FileDescriptor? opened).IsError)
            return 0;
        using (opened)
        {
            SyscallResult seals = opened!.TryControl(Fcntl.F_GET_SEALS);
            return seals.IsError ? 0 : (int)seals.Value;
        }
    }
}

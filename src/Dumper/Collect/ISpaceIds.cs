using Snap.Image;

namespace Snap.Dumper.Collect;

/// <summary>Gives the spaces of a tree their ids, the same along a chain of snapshots.</summary>
public interface ISpaceIds
{
    /// <summary>The private pages of a process.</summary>
    SpaceId AddressSpace(int pid);

    /// <summary>A shared-memory object, by its st_dev and st_ino.</summary>
    SpaceId SharedObject(ulong device, ulong inode);
}

using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;
using FileTypes = Snap.Kernel.Abi.Stat;

namespace Snap.Dumper.Collect;

/// <summary>One descriptor of a target, as /proc shows it.</summary>
/// <param name="Number">The fd.</param>
/// <param name="Target">Where its link points.</param>
/// <param name="Info">Its fdinfo.</param>
/// <param name="Stat">stat(2) of what it refers to.</param>
internal sealed record OpenDescriptor(int Number, DescriptorTarget Target, DescriptorInfo Info, stat Stat)
{
    /// <summary>F_GETFL: what dup shares.</summary>
    public uint StatusFlags => Info.Flags & ~(uint)Fcntl.O_CLOEXEC;

    /// <summary>S_IF* of st_mode.</summary>
    public int FileType => (int)Stat.st_mode & FileTypes.S_IFMT;

    /// <summary>Device and inode: the object behind the description.</summary>
    public (ulong Device, ulong Inode) Object => (Stat.st_dev, Stat.st_ino);

    /// <summary>What two descriptors of one open file description have in common, and many that aren't, too: which it is only kcmp(2) tells.</summary>
    public (ulong, ulong, uint, long, string) Likeness => (Stat.st_dev, Stat.st_ino, StatusFlags, Info.Position, Target.Text);

    /// <summary>Open for reading.</summary>
    public bool CanRead => Info.AccessMode is 0 or 2;

    /// <summary>Open for writing.</summary>
    public bool CanWrite => Info.AccessMode is 1 or 2;
}

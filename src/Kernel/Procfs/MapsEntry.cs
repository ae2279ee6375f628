using System.Globalization;

namespace Snap.Kernel.Procfs;

/// <summary>One mapping, as a line of /proc/PID/maps shows it.</summary>
/// <param name="Start">First byte.</param>
/// <param name="End">Behind the last byte.</param>
/// <param name="Access">Protection, and shared or private.</param>
/// <param name="Offset">Offset in the file, bytes; 0 without one.</param>
/// <param name="Device">Of the file; 0:0 without one.</param>
/// <param name="Inode">Of the file; 0 without one.</param>
/// <param name="Name">What the line's last column says.</param>
public readonly record struct MapsEntry(
    ulong Start, ulong End, MapsAccess Access, ulong Offset, DeviceNumber Device, ulong Inode, MapsName Name)
{
    /// <summary>Bytes.</summary>
    public ulong Length => End - Start;

    /// <summary>May be read.</summary>
    public bool IsReadable => (Access & MapsAccess.Read) != 0;

    /// <summary>May be written.</summary>
    public bool IsWritable => (Access & MapsAccess.Write) != 0;

    /// <summary>May be executed.</summary>
    public bool IsExecutable => (Access & MapsAccess.Execute) != 0;

    /// <summary>MAP_SHARED.</summary>
    public bool IsShared => (Access & MapsAccess.Shared) != 0;

    /// <summary>What the name says the mapping is.</summary>
    public MappingKind Kind => Name.Kind;

    /// <summary>The file's path without <c> (deleted)</c>, the name in brackets, or "" (<see cref="KernelText"/>).</summary>
    public string Path => Name.Path;

    /// <summary>The path ended in <c> (deleted)</c>: the file has no such name any more, or never had one.</summary>
    public bool IsDeleted => Name.IsDeleted;

    /// <summary>Mapped by the kernel into every process, no memory of the process's own: vdso, vvar, vsyscall.</summary>
    public bool IsKernelProvided => Kind is MappingKind.Vdso or MappingKind.Vvar or MappingKind.VvarVclock or MappingKind.Vsyscall;

    /// <summary>As in maps: <c>7f3a1000-7f3a3000 r-xp /usr/bin/x</c>.</summary>
    public override string ToString()
    {
        char read = IsReadable ? 'r' : '-', write = IsWritable ? 'w' : '-', execute = IsExecutable ? 'x' : '-', shared = IsShared ? 's' : 'p';
        return string.Create(
            CultureInfo.InvariantCulture, $"{Start:x}-{End:x} {read}{write}{execute}{shared} {Name}").TrimEnd();
    }
}

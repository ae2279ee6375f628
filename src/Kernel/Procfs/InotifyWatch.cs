namespace Snap.Kernel.Procfs;

/// <summary>One watch of an inotify descriptor.</summary>
/// <param name="Watch">Its number.</param>
/// <param name="Inode">Inode watched.</param>
/// <param name="Device">Its file system.</param>
/// <param name="Mask">IN_* bits.</param>
/// <param name="HandleType">Type of the file handle, or -1 if the file system gives none.</param>
/// <param name="Handle">File handle for open_by_handle_at(2), empty without one.</param>
public sealed record InotifyWatch(int Watch, ulong Inode, DeviceNumber Device, uint Mask, int HandleType, ReadOnlyMemory<byte> Handle);

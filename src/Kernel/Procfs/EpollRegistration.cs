namespace Snap.Kernel.Procfs;

/// <summary>One descriptor registered with an epoll, as a <c>tfd:</c> line shows it.</summary>
/// <param name="Descriptor">Its number at registration; it may be closed now, or be another file's.</param>
/// <param name="Events">EPOLL* bits, EPOLLET and EPOLLONESHOT included; 0 event bits once a one-shot has fired.</param>
/// <param name="Data">epoll_data.</param>
/// <param name="Position">Position of the registered file.</param>
/// <param name="Inode">Inode of the registered file: tells whether the descriptor still is that file's.</param>
/// <param name="Device">Its file system.</param>
public sealed record EpollRegistration(int Descriptor, uint Events, ulong Data, long Position, ulong Inode, DeviceNumber Device);

using System.Buffers.Binary;
using Snap.Kernel.Abi;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Files;

/// <summary>Stream sockets with a path, of any length: they are bound and found through the descriptor of their directory.</summary>
/// <remarks>sockaddr_un has room for 107 bytes; <c>/proc/self/fd/N/NAME</c> always fits.</remarks>
public static unsafe class UnixSocket
{
    // u16 family, then the path, zero-terminated.
    private const int FamilySize = 2, MaxPath = 108;
    private const int Backlog = 128;

    // A header and one descriptor, padded to a multiple of eight.
    private const int ControlLength = 24;

    /// <summary>socket(2), bind(2), listen(2): a listening socket, for its owner only.</summary>
    /// <param name="directory">Where the path lies.</param>
    /// <param name="name">File name; what is left there of an earlier socket has to be removed first.</param>
    /// <param name="listening">The socket.</param>
    /// <returns>EADDRINUSE: the name exists. EPERM, EOPNOTSUPP, …: this file system has no sockets.</returns>
    public static SyscallResult TryListen(string directory, string name, out FileDescriptor? listening)
    {
        listening = null;
        using FileDescriptor place = FileDescriptor.Open(directory, Fcntl.O_PATH | Fcntl.O_DIRECTORY);
        FileDescriptor socket = Create();
        // The file takes the rights of the socket's inode: there is no moment at which others could connect.
        SyscallResult done = Door.Call(SyscallNumber.fchmod, (ulong)socket.Number, 0x180);
        if (!done.IsError)
            done = WithAddress(SyscallNumber.bind, socket, place, name);
        if (!done.IsError)
            done = Door.Call(SyscallNumber.listen, (ulong)socket.Number, Backlog);
        if (done.IsError)
            socket.Dispose();
        else
            listening = socket;
        return done;
    }

    /// <summary>connect(2).</summary>
    /// <returns>ENOENT: nothing has that name. ECONNREFUSED: nobody listens.</returns>
    public static SyscallResult TryConnect(string directory, string name, out FileDescriptor? connected)
    {
        connected = null;
        SyscallResult opened = FileDescriptor.TryOpen(directory, Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0, out FileDescriptor? place);
        if (opened.IsError)
            return opened;
        using (place)
        {
            FileDescriptor socket = Create();
            SyscallResult done = WithAddress(SyscallNumber.connect, socket, place!, name);
            if (done.IsError)
                socket.Dispose();
            else
                connected = socket;
            return done;
        }
    }

    /// <summary>Who is at the other end: SO_PEERCRED, as it was when the connection was made.</summary>
    /// <returns>Pid (0: it lives where our pids mean nothing) and user id.</returns>
    public static (int Pid, uint UserId) Peer(int socket)
    {
        ucred credentials;
        int length = sizeof(ucred);
        Door.Call(SyscallNumber.getsockopt, (ulong)socket, Poll.SOL_SOCKET, Poll.SO_PEERCRED, (ulong)(&credentials), (ulong)(&length)).OrThrow("getsockopt(SO_PEERCRED)");
        return (credentials.pid, credentials.uid);
    }

    /// <summary>listen(2) once more, on a socket that another process made: from now on its peers see us as the one who listens.</summary>
    public static void ListenAsOwn(FileDescriptor listening) =>
        Door.Call(SyscallNumber.listen, (ulong)listening.Number, Backlog).OrThrow("listen");

    /// <summary>accept4(2).</summary>
    /// <returns>Null if whoever connected is gone again.</returns>
    public static FileDescriptor? TryAccept(FileDescriptor listening)
    {
        SyscallResult accepted = Door.CallRestarting(SyscallNumber.accept4, (ulong)listening.Number, 0, 0, Poll.SOCK_CLOEXEC);
        return accepted.IsError ? null : new FileDescriptor((int)accepted.Value);
    }

    /// <summary>shutdown(2), both ways: the other side reads the end, and so does whoever reads here.</summary>
    public static void Shutdown(FileDescriptor socket) => Door.Call(SyscallNumber.shutdown, (ulong)socket.Number, Poll.SHUT_RDWR);

    /// <summary>sendmsg(2): one byte, and with it a descriptor.</summary>
    public static SyscallResult TrySendDescriptor(FileDescriptor socket, FileDescriptor sent)
    {
        byte data = 0;
        var piece = new iovec { iov_base = (ulong)(&data), iov_len = 1 };
        byte* control = stackalloc byte[ControlLength];
        *(cmsghdr*)control = new cmsghdr { cmsg_len = (ulong)sizeof(cmsghdr) + sizeof(int), cmsg_level = Poll.SOL_SOCKET, cmsg_type = Poll.SCM_RIGHTS };
        *(int*)(control + sizeof(cmsghdr)) = sent.Number;
        var message = new msghdr { msg_iov = (ulong)(&piece), msg_iovlen = 1, msg_control = (ulong)control, msg_controllen = ControlLength };
        return Door.CallRestarting(SyscallNumber.sendmsg, (ulong)socket.Number, (ulong)(&message), Poll.MSG_NOSIGNAL);
    }

    /// <summary>recvmsg(2): what <see cref="TrySendDescriptor"/> sent, waited for.</summary>
    /// <returns>Null if the other side is gone, or sent something else.</returns>
    public static FileDescriptor? TryReceiveDescriptor(FileDescriptor socket)
    {
        byte data;
        var piece = new iovec { iov_base = (ulong)(&data), iov_len = 1 };
        byte* control = stackalloc byte[ControlLength];
        var message = new msghdr { msg_iov = (ulong)(&piece), msg_iovlen = 1, msg_control = (ulong)control, msg_controllen = ControlLength };
        SyscallResult got = Door.CallRestarting(SyscallNumber.recvmsg, (ulong)socket.Number, (ulong)(&message), Poll.MSG_CMSG_CLOEXEC);
        var head = (cmsghdr*)control;
        if (got.IsError || got.Value != 1 || message.msg_controllen < (ulong)sizeof(cmsghdr) + sizeof(int) || head->cmsg_level != Poll.SOL_SOCKET || head->cmsg_type != Poll.SCM_RIGHTS)
            return null;
        return new FileDescriptor(*(int*)(control + sizeof(cmsghdr)));
    }

    private static FileDescriptor Create() =>
        new((int)Door.Call(SyscallNumber.socket, Poll.AF_UNIX, Poll.SOCK_STREAM | Poll.SOCK_CLOEXEC, 0).OrThrow("socket"));

    private static SyscallResult WithAddress(SyscallNumber call, FileDescriptor socket, FileDescriptor directory, string name)
    {
        byte[] path = FileDescriptor.Terminated($"/proc/self/fd/{directory.Number}/{name}");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(path.Length, MaxPath, nameof(name));
        byte[] address = new byte[FamilySize + path.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(address, Poll.AF_UNIX);
        path.CopyTo(address, FamilySize);
        fixed (byte* start = address)
            return Door.CallRestarting(call, (ulong)socket.Number, (ulong)start, (ulong)address.Length);
    }
}

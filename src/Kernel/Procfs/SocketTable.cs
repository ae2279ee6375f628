using System.Buffers.Binary;
using System.Net;

namespace Snap.Kernel.Procfs;

/// <summary>The sockets of a network namespace by inode, as /proc/PID/net/{unix,tcp,tcp6,udp,udp6} list them.</summary>
/// <remarks>
/// For messages only. A unix socket's path may hold newlines, which the kernel prints as they are: lines that can't be read are passed over.
/// </remarks>
public sealed class SocketTable
{
    private static readonly string[] TcpStates =
    [
        "unknown", "established", "connecting", "connecting", "closing", "closing", "time-wait", "closed", "close-wait", "closing",
        "listening", "closing", "connecting",
    ];

    private readonly Dictionary<ulong, SocketDescription> _sockets = [];

    /// <summary>Reads the tables of the network namespace that the task is in.</summary>
    /// <returns>Null if the task is gone.</returns>
    /// <exception cref="KernelException">Any error but ENOENT and ESRCH.</exception>
    public static SocketTable? ReadOrGone(TaskFiles task)
    {
        var table = new SocketTable();
        bool any = false;
        foreach (string protocol in new[] { "unix", "tcp", "tcp6", "udp", "udp6" })
        {
            // Kernels without IPv6 lack its tables.
            if (task.ReadOrGone("net/" + protocol) is { } text)
            {
                table.Add(protocol, text);
                any = true;
            }
        }

        return any ? table : null;
    }

    /// <summary>The socket with this inode, or null: another family (netlink, packet), or not bound yet.</summary>
    public SocketDescription? Find(ulong inode) => _sockets.GetValueOrDefault(inode);

    /// <summary>Adds the sockets of one table's text.</summary>
    /// <param name="protocol">Name of the table.</param>
    /// <param name="text">Of the file, its title line first.</param>
    public void Add(string protocol, ReadOnlySpan<byte> text)
    {
        var lines = new AsciiCursor(text, protocol);
        lines.TryLine(out _);
        while (lines.TryLine(out ReadOnlySpan<byte> line))
        {
            try
            {
                SocketDescription socket = protocol == "unix" ? Unix(line) : Internet(protocol, line);
                if (socket.Inode != 0)
                    _sockets[socket.Inode] = socket;
            }
            catch (ProcfsFormatException)
            {
                // The rest of a path with a newline; see above.
            }
        }
    }

    /// <summary>Layout: <c>0000000062341a7e: 00000003 00000000 00000000 0001 03  1660 /path</c>: references, protocol, flags, type, state, inode.</summary>
    private static SocketDescription Unix(ReadOnlySpan<byte> line)
    {
        var cursor = new AsciiCursor(line, "unix");
        cursor.Hex();
        cursor.Expect((byte)':');
        Skip(ref cursor, 2);
        cursor.SkipBlanks();
        bool listens = (cursor.Hex() & 0x10000) != 0;
        cursor.SkipBlanks();
        string type = cursor.Hex() switch { 1 => "stream", 2 => "datagram", 5 => "packets", _ => "socket" };
        cursor.SkipBlanks();
        bool connected = cursor.Hex() == 3;
        cursor.SkipBlanks();
        ulong inode = cursor.Decimal();
        cursor.TrySkip(" "u8);
        string state = listens ? " listening" : connected ? " connected" : " unconnected";
        return new SocketDescription("unix", type + state, KernelText.Decode(cursor.Rest), "", inode);
    }

    /// <summary>Layout: <c>0: 0100007F:1538 00000000:0000 0A 0:0 0:0 0 uid timeout inode …</c>; addresses as u32s in host order, ports in hex.</summary>
    private static SocketDescription Internet(string protocol, ReadOnlySpan<byte> line)
    {
        var cursor = new AsciiCursor(line, protocol);
        cursor.SkipBlanks();
        cursor.Decimal();
        cursor.Expect((byte)':');
        string local = Address(ref cursor, out _);
        string remote = Address(ref cursor, out bool isBound);
        cursor.SkipBlanks();
        ulong state = cursor.Hex();
        Skip(ref cursor, 5);
        cursor.SkipBlanks();
        ulong inode = cursor.Decimal();
        bool isTcp = protocol.StartsWith("tcp", StringComparison.Ordinal);
        string stateText = isTcp ? TcpStates[state < (ulong)TcpStates.Length ? (int)state : 0] : isBound ? "connected" : "unconnected";
        return new SocketDescription(protocol, stateText, local, isBound ? remote : "", inode);
    }

    private static void Skip(ref AsciiCursor cursor, int words)
    {
        for (int i = 0; i < words; i++)
        {
            if (cursor.Word().IsEmpty)
                throw cursor.Unexpected("a word");
        }
    }

    private static string Address(ref AsciiCursor cursor, out bool isBound)
    {
        ReadOnlySpan<byte> word = cursor.Word();
        int digits = word.IndexOf((byte)':');
        if (digits is not (8 or 32))
            throw cursor.Unexpected("an address");
        var bytes = new byte[digits / 2];
        for (int i = 0; i < digits; i += 8)
        {
            var part = new AsciiCursor(word.Slice(i, 8), "address");
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i / 2), part.Hex32());
        }

        var port = new AsciiCursor(word[(digits + 1)..], "port");
        ulong number = port.Hex();
        if (number > ushort.MaxValue)
            throw port.Unexpected("a port");
        isBound = number != 0;
        return new IPEndPoint(new IPAddress(bytes), (int)number).ToString();
    }
}

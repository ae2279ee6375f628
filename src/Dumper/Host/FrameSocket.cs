using System.Buffers.Binary;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;

namespace Snap.Dumper.Host;

/// <summary>One end of the socket pair between engine and tracer: messages with a length before them.</summary>
/// <remarks>Layout of a message: u32 length of the payload, u8 kind, three zero bytes, payload. Little-endian. One thread reads; writing is locked.</remarks>
internal sealed class FrameSocket(FileDescriptor socket) : IDisposable
{
    private const int HeaderLength = 8;

    // A kernel image holds the unread bytes of pipes, at most 1 MiB each by default; far more than this is a broken peer.
    private const int MaxPayload = 1 << 30;

    private readonly Lock _gate = new();
    private byte[] _in = new byte[64 * 1024];
    private byte[] _out = new byte[64 * 1024];

    /// <summary>Writes a message.</summary>
    /// <returns>False if the other side is gone.</returns>
    public bool TryWrite(FrameKind kind, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more = default)
    {
        lock (_gate)
        {
            int length = payload.Length + more.Length;
            if (_out.Length < HeaderLength + length)
                _out = new byte[HeaderLength + length];
            BinaryPrimitives.WriteInt32LittleEndian(_out, length);
            BinaryPrimitives.WriteInt32LittleEndian(_out.AsSpan(4), (byte)kind);
            payload.CopyTo(_out.AsSpan(HeaderLength));
            more.CopyTo(_out.AsSpan(HeaderLength + payload.Length));
            try
            {
                socket.WriteAll(_out.AsSpan(0, HeaderLength + length));
                return true;
            }
            catch (KernelException gone) when (gone.Errno is Errno.EPIPE or Errno.ECONNRESET)
            {
                return false;
            }
        }
    }

    /// <summary>Reads the next message, waiting for it.</summary>
    /// <returns>False if the other side is gone, at whatever point of a message.</returns>
    public bool TryRead(out Frame frame)
    {
        frame = default;
        try
        {
            Span<byte> header = stackalloc byte[HeaderLength];
            if (!socket.ReadFully(header))
                return false;
            int length = BinaryPrimitives.ReadInt32LittleEndian(header);
            int kind = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
            Invariant.Holds(length is >= 0 and <= MaxPayload && kind is > 0 and <= (int)FrameKind.Adopt);
            if (_in.Length < length)
                _in = new byte[length];
            if (length > 0 && !socket.ReadFully(_in.AsSpan(0, length)))
                return false;
            frame = new Frame((FrameKind)kind, _in.AsMemory(0, length));
            return true;
        }
        catch (KernelException gone) when (gone.Errno is Errno.EPIPE or Errno.ECONNRESET)
        {
            return false;
        }
    }

    /// <summary>True if a message, or the end, can be read without waiting.</summary>
    public bool HasInput => WaitForInput(0);

    /// <summary>Waits for a message, or the end.</summary>
    /// <returns>False if neither came in time.</returns>
    public bool WaitForInput(int timeoutMs) => socket.WaitFor(Poll.POLLIN, timeoutMs) != 0;

    /// <summary>The other side has closed, whatever of its words is still to be read.</summary>
    public bool IsHungUp => (socket.WaitFor(Poll.POLLIN, 0) & Poll.POLLHUP) != 0;

    /// <summary>Ends the connection; whoever reads it, on either side, reads the end.</summary>
    public void HangUp() => UnixSocket.Shutdown(socket);

    /// <summary>Sends a descriptor, between two messages.</summary>
    public bool TrySend(FileDescriptor sent)
    {
        lock (_gate)
            return !UnixSocket.TrySendDescriptor(socket, sent).IsError;
    }

    /// <summary>Waits for the descriptor that was sent between two messages.</summary>
    public FileDescriptor? TryReceive() => UnixSocket.TryReceiveDescriptor(socket);

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();
}

// One HTTP/1.1 request and its answer over a connection of its own. Written by hand because the runtime's client costs a command more time to
// start than the whole rest of a take.
// Must: whether the engine took the request up is known: it says "100 Continue" when it begins to read the body, so a connection that ends before is no
// failure of what was asked for, and the request can be made again.
using System.Globalization;
using System.Text;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;

namespace Snap.Engine.Client;

/// <summary>A request to an engine, and its answer as it comes.</summary>
internal sealed class HttpExchange : IDisposable
{
    private const int MaxHeadLength = 64 * 1024;

    private readonly FileDescriptor _socket;
    private byte[] _buffer = new byte[16 * 1024];
    private int _start, _end;
    private long _left;
    private bool _isChunked, _isOver, _afterChunk;
    private byte[] _pending = [];
    private int _pendingLength;

    private HttpExchange(FileDescriptor socket) => _socket = socket;

    /// <summary>The answer's status; 0 before <see cref="TryReadHead"/>.</summary>
    public int Status { get; private set; }

    /// <summary>The engine has begun to work on it.</summary>
    public bool WasTakenUp { get; private set; }

    /// <summary>Sends a request; takes over the connection.</summary>
    public static HttpExchange Send(FileDescriptor socket, string method, string path, ReadOnlySpan<byte> body)
    {
        var exchange = new HttpExchange(socket);
        string head = string.Create(CultureInfo.InvariantCulture,
            $"{method} {path} HTTP/1.1\r\nHost: snap\r\nConnection: close\r\n{Api.Protocol.ClientHeader}: {Api.Protocol.Client}\r\n{(body.Length > 0 ? "Expect: 100-continue\r\nContent-Type: application/json\r\n" : "")}Content-Length: {body.Length}\r\n\r\n");
        byte[] message = [.. Encoding.ASCII.GetBytes(head), .. body];
        try
        {
            socket.WriteAll(message);
        }
        catch (KernelException gone) when (IsGone(gone))
        {
            // What it said before it closed, if anything, is read like every answer.
        }

        return exchange;
    }

    /// <summary>Reads status and headers of the answer.</summary>
    /// <returns>False if the connection ended before.</returns>
    public bool TryReadHead()
    {
        while (true)
        {
            if (ReadLine() is not { } first)
                return false;
            if (first.Split(' ', 3) is not ["HTTP/1.1" or "HTTP/1.0", { Length: 3 } status, ..] || !int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out int code))
                throw new InvalidDataException($"not an answer of HTTP: {first}");
            _left = -1;
            while (ReadLine() is { } line)
            {
                if (line.Length > 0)
                {
                    ReadHeader(line);
                    continue;
                }

                WasTakenUp = true;
                if (code == 100)
                    break;
                Status = code;
                return true;
            }

            if (code != 100)
                return false;
        }
    }

    /// <summary>Reads the whole body.</summary>
    /// <returns>Null if the connection ended in the middle of it.</returns>
    public byte[]? ReadBody()
    {
        using var body = new MemoryStream();
        while (TryReadSome(out ReadOnlySpan<byte> some))
            body.Write(some);
        return _isOver ? body.ToArray() : null;
    }

    /// <summary>Reads the body's next line.</summary>
    /// <returns>Null at the end of the body, or of the connection.</returns>
    public byte[]? ReadBodyLine()
    {
        while (true)
        {
            int at = _pending.AsSpan(0, _pendingLength).IndexOf((byte)'\n');
            if (at >= 0)
            {
                byte[] line = _pending[..at];
                _pendingLength -= at + 1;
                Array.Copy(_pending, at + 1, _pending, 0, _pendingLength);
                return line;
            }

            if (!TryReadSome(out ReadOnlySpan<byte> some))
                return null;
            if (_pending.Length < _pendingLength + some.Length)
                Array.Resize(ref _pending, Math.Max(_pending.Length * 2, _pendingLength + some.Length));
            some.CopyTo(_pending.AsSpan(_pendingLength));
            _pendingLength += some.Length;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static bool IsGone(KernelException failed) => failed.Errno is Errno.EPIPE or Errno.ECONNRESET;

    private void ReadHeader(string line)
    {
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        string name = colon < 0 ? line : line[..colon], value = colon < 0 ? "" : line[(colon + 1)..].Trim();
        if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
            _left = long.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);
        else if (name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase))
            (_isChunked, _left) = (value.Equals("chunked", StringComparison.OrdinalIgnoreCase), 0);
    }

    /// <summary>Some bytes of the body, valid until the next call; false at its end (_isOver) or when the connection ended.</summary>
    private bool TryReadSome(out ReadOnlySpan<byte> some)
    {
        some = default;
        if (_isOver)
            return false;
        if (_isChunked && _left == 0 && !TryBeginChunk())
            return false;
        if (_left == 0)
        {
            _isOver = true;
            return false;
        }

        if (_start == _end && !TryFill())
        {
            // Without a length the end of the connection is the body's.
            _isOver = _left < 0;
            return false;
        }

        int length = (int)(_left < 0 ? _end - _start : Math.Min(_left, _end - _start));
        some = _buffer.AsSpan(_start, length);
        _start += length;
        if (_left < 0)
            return true;
        _left -= length;
        // The line end behind a chunk is read with the next one's head.
        _afterChunk = _isChunked && _left == 0;
        return true;
    }

    private bool TryBeginChunk()
    {
        if (_afterChunk && ReadLine() is null)
            return false;
        if (ReadLine() is not { } size)
            return false;
        _left = long.Parse(size.Split(';')[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        _afterChunk = false;
        if (_left > 0)
            return true;
        _isOver = true;
        return false;
    }

    private string? ReadLine()
    {
        while (true)
        {
            int at = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n"u8);
            if (at >= 0)
            {
                string line = Encoding.ASCII.GetString(_buffer, _start, at);
                _start += at + 2;
                return line;
            }

            if (!TryFill())
                return null;
        }
    }

    private bool TryFill()
    {
        if (_start == _end)
            _start = _end = 0;
        if (_end == _buffer.Length && _start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
        {
            if (_buffer.Length >= MaxHeadLength)
                throw new InvalidDataException("an answer whose head has no end");
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        try
        {
            int got = (int)_socket.TryRead(_buffer.AsSpan(_end)).OrThrow("read");
            _end += got;
            return got > 0;
        }
        catch (KernelException gone) when (IsGone(gone))
        {
            return false;
        }
    }
}

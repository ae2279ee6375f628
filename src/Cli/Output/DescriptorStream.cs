using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;

namespace Snap.Cli.Output;

/// <summary>Writes to a descriptor by write(2) alone.</summary>
/// <remarks>
/// Not the Console class: its first use installs a SIGCHLD handler and takes over the terminal's settings, which belong to the program that
/// <c>run</c> starts. Not FileStream: it keeps a file position of its own, and would overwrite what that program writes to the same file.
/// </remarks>
internal sealed class DescriptorStream(FileDescriptor descriptor) : Stream
{
    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            SyscallResult written = descriptor.TryWrite(buffer);
            switch (written.Errno)
            {
                case Errno.None:
                    buffer = buffer[(int)written.Value..];
                    break;
                case Errno.EAGAIN:
                    descriptor.WaitFor(Poll.POLLOUT, -1);
                    break;
                case Errno.EPIPE or Errno.EBADF:
                    throw new OutputClosedException();
                default:
                    throw new KernelException(written.Errno, $"write to {descriptor}");
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}

using System.Globalization;
using Snap.Dumper.Preflight;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Syscalls;

namespace Snap.Dumper.Collect;

/// <summary>Reads what lies unread in a target's pipes, and leaves it there (tee(2)).</summary>
internal sealed class PipeContents : IDisposable
{
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(64 * 1024);
    private (FileDescriptor Read, FileDescriptor Write)? _copy;
    private int _copyCapacity;

    /// <summary>Reads a pipe.</summary>
    /// <param name="target">The process, frozen.</param>
    /// <param name="readEnd">A descriptor it reads the pipe by.</param>
    /// <param name="capacity">F_GETPIPE_SZ.</param>
    /// <param name="isPackets">It is written with O_DIRECT: each read gives one packet.</param>
    /// <param name="id">Number for the image.</param>
    /// <param name="findings">Gets a finding if not all can be read.</param>
    public PipeImage Read(ProcessHandle target, OpenDescriptor readEnd, int capacity, bool isPackets, int id, List<SnapException> findings)
    {
        target.TryTakeDescriptor(readEnd.Number, out FileDescriptor? taken).OrThrow("pidfd_getfd of descriptor", readEnd.Number);
        using FileDescriptor source = taken!;
        (FileDescriptor read, FileDescriptor write) = CopyOf(capacity);
        SyscallResult copied = source.TryTee(write, (ulong)capacity);
        if (copied.Errno == Errno.EAGAIN)
            return new PipeImage(id, readEnd.Target.Number, capacity, []) { Packets = isPackets ? [] : null };
        copied.OrThrow("tee of descriptor", readEnd.Number);
        if (_copyCapacity < capacity)
            findings.Add(Refusal.Of(ErrorCatalogue.DescriptorUnsupported, target.Pid,
                string.Create(CultureInfo.InvariantCulture, $"fd {readEnd.Number} is a pipe that holds more than may be copied"),
                string.Create(CultureInfo.InvariantCulture, $"/proc/{target.Pid}/fd/{readEnd.Number} -> {readEnd.Target.Text}: {capacity} bytes"),
                string.Create(CultureInfo.InvariantCulture, $"our own pipe may hold {_copyCapacity} bytes"), "raise fs.pipe-max-size and fs.pipe-user-pages-soft, or run Snap as root"));
        return Drain(read, (int)copied.Value, id, readEnd.Target.Number, capacity, isPackets);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _copy?.Read.Dispose();
        _copy?.Write.Dispose();
        _copy = null;
    }

    private PipeImage Drain(FileDescriptor read, int length, int id, ulong inode, int capacity, bool isPackets)
    {
        var content = new byte[length];
        var packets = new List<int>();
        for (int done = 0; done < length;)
        {
            int got = (int)read.TryRead(_buffer).OrThrow("read a copied pipe");
            _buffer.AsSpan(0, got).CopyTo(content.AsSpan(done));
            packets.Add(got);
            done += got;
        }

        return new PipeImage(id, inode, capacity, content) { Packets = isPackets ? packets : null };
    }

    // A pipe holds buffers, not bytes: one of the same capacity holds all that the other does.
    private (FileDescriptor Read, FileDescriptor Write) CopyOf(int capacity)
    {
        if (_copy is null)
        {
            _copy = FileDescriptor.CreatePipe();
            _copyCapacity = (int)_copy.Value.Write.TryControl(Fcntl.F_GETPIPE_SZ).OrThrow("fcntl(F_GETPIPE_SZ)");
        }

        if (_copyCapacity < capacity && _copy.Value.Write.TryControl(Fcntl.F_SETPIPE_SZ, (ulong)capacity) is { IsError: false } grown)
            _copyCapacity = (int)grown.Value;
        return _copy.Value;
    }
}

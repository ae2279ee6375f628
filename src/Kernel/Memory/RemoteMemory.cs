using System.Runtime.CompilerServices;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Memory;

/// <summary>Reads and writes the memory of another process.</summary>
/// <remarks>
/// process_vm_readv(2) for speed; /proc/PID/mem, kept open, for pages that it refuses (PROT_NONE, read-only). Bytes of different calls belong
/// to one moment only if every thread is stopped. A target that died reads as ESRCH; so does one that called exec on the kept descriptor.
/// </remarks>
public sealed unsafe class RemoteMemory : IDisposable
{
    /// <summary>Most ranges one process_vm call takes (UIO_MAXIOV).</summary>
    public const int MaxRanges = 1024;

    private readonly int _pid;
    private readonly FileDescriptor _mem;

    private RemoteMemory(int pid, FileDescriptor mem) => (_pid, _mem) = (pid, mem);

    /// <summary>Opens the memory of <paramref name="pid"/>; needs the right to ptrace it.</summary>
    public static RemoteMemory Open(int pid) => new(pid, FileDescriptor.Open($"/proc/{pid}/mem", Fcntl.O_RDWR));

    /// <inheritdoc/>
    public void Dispose() => _mem.Dispose();

    /// <summary>True if the address space behind the kept descriptor is gone, by exec or death; open it anew then.</summary>
    /// <remarks>The kernel answers 0 bytes for it, whatever the address, and EIO for an address that isn't mapped in a living one.</remarks>
    public bool IsStale
    {
        get
        {
            Span<byte> one = stackalloc byte[1];
            return _mem.TryReadAt(4096, one) is { IsError: false, Value: 0 };
        }
    }

    /// <summary>Reads one range; any length, no alignment.</summary>
    /// <returns>Bytes read, fewer than asked only if the mapping ends there; or the errno if not one byte could be read.</returns>
    public SyscallResult TryRead(RemoteAddress start, Span<byte> into)
    {
        fixed (byte* buffer = into)
        {
            var local = new iovec { iov_base = (ulong)buffer, iov_len = (ulong)into.Length };
            var remote = new iovec { iov_base = start.Value, iov_len = (ulong)into.Length };
            return Door.Call(SyscallNumber.process_vm_readv, (ulong)_pid, (ulong)(&local), 1, (ulong)(&remote), 1, 0);
        }
    }

    /// <summary>Reads one range whatever its protection, through /proc/PID/mem (slower).</summary>
    public SyscallResult TryReadForced(RemoteAddress start, Span<byte> into) => _mem.TryReadAt(start.Value, into);

    /// <summary>Reads a whole range, by the fast way and then by the forced one.</summary>
    /// <exception cref="KernelException">ESRCH: the target died. EIO or EFAULT: not mapped.</exception>
    public void Read(RemoteAddress start, Span<byte> into)
    {
        SyscallResult fast = TryRead(start, into);
        int done = fast.IsError ? 0 : (int)fast.Value;
        while (done < into.Length)
        {
            long got = TryReadForced(start + (ulong)done, into[done..]).OrThrow("read target memory");
            done += got > 0 ? (int)got : throw new KernelException(Errno.ESRCH, "read target memory");
        }
    }

    /// <summary>Reads one value.</summary>
    public T Read<T>(RemoteAddress start)
        where T : unmanaged
    {
        T value;
        Read(start, new Span<byte>(&value, sizeof(T)));
        return value;
    }

    /// <summary>Copies scattered ranges, one after the other, into <paramref name="into"/> from <paramref name="offset"/> on, in one call.</summary>
    /// <param name="ranges">At most <see cref="MaxRanges"/>; an iovec each, laid out as the kernel wants them.</param>
    /// <param name="into">Memory with room for all of them.</param>
    /// <param name="offset">Where the first byte goes.</param>
    /// <returns>Bytes copied: whole leading ranges and maybe a part of the next, which then can't be read this way; or the errno if none.</returns>
    public SyscallResult TryGather(ReadOnlySpan<RemoteRange> ranges, MappedMemory into, ulong offset)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ranges.Length, MaxRanges);
        ulong total = 0;
        foreach (RemoteRange range in ranges)
            total += range.Length;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + total, into.Length);
        var local = new iovec { iov_base = into.Address + offset, iov_len = total };
        fixed (RemoteRange* remote = ranges)
            return Door.Call(SyscallNumber.process_vm_readv, (ulong)_pid, (ulong)(&local), 1, (ulong)remote, (ulong)ranges.Length, 0);
    }

    /// <summary>Copies bytes that lie one after the other in <paramref name="from"/>, from <paramref name="offset"/> on, to scattered ranges, in one call.</summary>
    /// <param name="ranges">At most <see cref="MaxRanges"/>; the target itself must be able to write them.</param>
    /// <param name="from">Memory that holds all the bytes.</param>
    /// <param name="offset">Where the first byte lies.</param>
    /// <returns>Bytes copied: whole leading ranges and maybe a part of the next, which then can't be written this way; or the errno if none.</returns>
    public SyscallResult TryScatter(ReadOnlySpan<RemoteRange> ranges, MappedMemory from, ulong offset)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ranges.Length, MaxRanges);
        ulong total = 0;
        foreach (RemoteRange range in ranges)
            total += range.Length;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + total, from.Length);
        var local = new iovec { iov_base = from.Address + offset, iov_len = total };
        fixed (RemoteRange* remote = ranges)
            return Door.Call(SyscallNumber.process_vm_writev, (ulong)_pid, (ulong)(&local), 1, (ulong)remote, (ulong)ranges.Length, 0);
    }

    /// <summary>Writes one range that the target itself may write.</summary>
    public SyscallResult TryWrite(RemoteAddress start, ReadOnlySpan<byte> from)
    {
        fixed (byte* buffer = from)
        {
            var local = new iovec { iov_base = (ulong)buffer, iov_len = (ulong)from.Length };
            var remote = new iovec { iov_base = start.Value, iov_len = (ulong)from.Length };
            return Door.Call(SyscallNumber.process_vm_writev, (ulong)_pid, (ulong)(&local), 1, (ulong)(&remote), 1, 0);
        }
    }

    /// <summary>Writes a whole range whatever its protection, through /proc/PID/mem; a private page becomes the target's own copy.</summary>
    /// <exception cref="KernelException">Any errno.</exception>
    public void WriteForced(RemoteAddress start, ReadOnlySpan<byte> from)
    {
        int done = 0;
        while (done < from.Length)
        {
            long put = _mem.TryWriteAt(start.Value + (ulong)done, from[done..]).OrThrow("write target memory");
            done += put > 0 ? (int)put : throw new KernelException(Errno.ESRCH, "write target memory");
        }
    }

    /// <summary>Writes a whole range by the fast way, and what that refuses by the forced one.</summary>
    /// <exception cref="KernelException">Any errno.</exception>
    public void Write(RemoteAddress start, ReadOnlySpan<byte> from)
    {
        SyscallResult fast = TryWrite(start, from);
        int done = fast.IsError ? 0 : (int)fast.Value;
        if (done < from.Length)
            WriteForced(start + (ulong)done, from[done..]);
    }

    /// <summary>Writes one value.</summary>
    public void Write<T>(RemoteAddress start, in T value)
        where T : unmanaged
    {
        fixed (T* pointer = &value)
            Write(start, new ReadOnlySpan<byte>(pointer, sizeof(T)));
    }

    // RemoteRange is handed to the kernel as it lies in memory.
    static RemoteMemory()
    {
        if (Unsafe.SizeOf<RemoteRange>() != sizeof(iovec))
            throw new InvalidOperationException("RemoteRange must lie in memory as struct iovec does");
    }
}

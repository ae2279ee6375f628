using System.Runtime.InteropServices;

namespace Snap.Fuzz.Store;

/// <summary>Memory between two pages that nobody may touch: a parser that reads or writes past its bytes ends the process.</summary>
internal sealed unsafe class GuardedBytes : IDisposable
{
    private const int PageSize = 4096;
    private readonly byte* _start;
    private readonly nuint _mapped;

    public GuardedBytes(int capacity)
    {
        Capacity = (capacity + PageSize - 1) / PageSize * PageSize;
        _mapped = (nuint)(Capacity + (2 * PageSize));
        // PROT_READ | PROT_WRITE; MAP_PRIVATE | MAP_ANONYMOUS. Then PROT_NONE at both ends.
        _start = (byte*)Map(null, _mapped, 3, 0x22, -1, 0);
        if (_start == (byte*)-1 || Protect(_start, PageSize, 0) != 0 || Protect(_start + PageSize + Capacity, PageSize, 0) != 0)
            throw new InvalidOperationException("no memory for guard pages");
    }

    public int Capacity { get; }

    /// <summary>That many bytes, right before the guard behind them.</summary>
    public Span<byte> AtEnd(int length) => new(_start + PageSize + Capacity - length, length);

    /// <summary>That many bytes, right behind the guard before them.</summary>
    public Span<byte> AtStart(int length) => new(_start + PageSize, length);

    public void Dispose() => Unmap(_start, _mapped);

    [DllImport("libc", EntryPoint = "mmap")]
    private static extern void* Map(void* address, nuint length, int protection, int flags, int descriptor, nint offset);

    [DllImport("libc", EntryPoint = "mprotect")]
    private static extern int Protect(void* address, nuint length, int protection);

    [DllImport("libc", EntryPoint = "munmap")]
    private static extern int Unmap(void* address, nuint length);
}

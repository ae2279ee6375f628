using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Memory;

namespace Snap.Kernel.Tracking;

/// <summary>The soft-dirty bits of a target (CONFIG_MEM_SOFT_DIRTY).</summary>
public static class SoftDirty
{
    private static readonly Lazy<bool> _supported = new(Probe);

    /// <summary>True if this kernel has them: found by writing a page of our own and looking, since clear_refs accepts the request either way.</summary>
    public static bool IsSupported => _supported.Value;

    /// <summary>Clears the bits of every page of a process (clear_refs 4). Only while it is frozen, after the scan: a write in between is lost.</summary>
    /// <exception cref="KernelException">Any errno.</exception>
    public static void ClearAssumeFrozen(int pid)
    {
        using FileDescriptor file = FileDescriptor.Open($"/proc/{pid}/clear_refs", Fcntl.O_WRONLY);
        file.TryWrite("4"u8).OrThrow("clear soft-dirty bits of process", pid);
    }

    private static bool Probe()
    {
        using MappedMemory page = MappedMemory.Anonymous(4096);
        page.At<byte>(0) = 1;
        int pid = Environment.ProcessId;
        using PageMap map = PageMap.Open(pid);
        Span<ulong> entry = stackalloc ulong[1];
        ClearAssumeFrozen(pid);
        map.ReadEntries(page.Address, entry);
        bool cleanAfterClear = (entry[0] & PageMap.SoftDirtyBit) == 0;
        page.At<byte>(0) = 2;
        map.ReadEntries(page.Address, entry);
        return cleanAfterClear && (entry[0] & PageMap.SoftDirtyBit) != 0;
    }
}

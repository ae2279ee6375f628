using System.Buffers.Binary;

namespace Snap.Kernel.Procfs;

/// <summary>/proc/PID/auxv of a 64-bit process: what the kernel told the program at exec; pairs of u64 type and u64 value, ended by type 0.</summary>
public sealed class AuxiliaryVector
{
    /// <summary>AT_PHDR: address of the program headers.</summary>
    public const ulong ProgramHeaders = 3;

    /// <summary>AT_PAGESZ.</summary>
    public const ulong PageSize = 6;

    /// <summary>AT_BASE: where the dynamic loader lies.</summary>
    public const ulong LoaderBase = 7;

    /// <summary>AT_ENTRY: entry point of the program.</summary>
    public const ulong Entry = 9;

    /// <summary>AT_HWCAP: cpuid leaf 1, edx.</summary>
    public const ulong HardwareCapabilities = 16;

    /// <summary>AT_SYSINFO_EHDR: where the vdso lies.</summary>
    public const ulong VdsoHeader = 33;

    private const int PairSize = 16;

    private AuxiliaryVector(byte[] bytes) => Bytes = bytes;

    /// <summary>As the kernel keeps them, the terminating pair and what follows it included: what PR_SET_MM_AUXV takes.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The value of the first pair of <paramref name="type"/>, or null.</summary>
    public ulong? Find(ulong type)
    {
        foreach ((ulong pairType, ulong value) in Pairs())
        {
            if (pairType == type)
                return value;
        }

        return null;
    }

    /// <summary>The pairs before the terminating one.</summary>
    public IReadOnlyList<(ulong Type, ulong Value)> Pairs()
    {
        var pairs = new List<(ulong, ulong)>();
        for (ReadOnlySpan<byte> rest = Bytes.Span; rest.Length >= PairSize; rest = rest[PairSize..])
        {
            ulong type = BinaryPrimitives.ReadUInt64LittleEndian(rest);
            if (type == 0)
                break;
            pairs.Add((type, BinaryPrimitives.ReadUInt64LittleEndian(rest[8..])));
        }

        return pairs;
    }

    /// <summary>Takes a copy of the bytes. Empty for tasks without memory.</summary>
    /// <exception cref="ProcfsFormatException">Not whole pairs, or without a terminating one.</exception>
    public static AuxiliaryVector Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % PairSize != 0)
            throw new ProcfsFormatException("auxv", "its length isn't a multiple of 16");
        for (int i = 0; i < bytes.Length; i += PairSize)
        {
            if (BinaryPrimitives.ReadUInt64LittleEndian(bytes[i..]) == 0)
                return new AuxiliaryVector(bytes.ToArray());
        }

        return bytes.IsEmpty ? new AuxiliaryVector([]) : throw new ProcfsFormatException("auxv", "it has no end");
    }
}

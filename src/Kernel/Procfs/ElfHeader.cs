using System.Buffers.Binary;

namespace Snap.Kernel.Procfs;

/// <summary>The head of a program file: enough to tell whose instructions it holds.</summary>
/// <param name="IsElf">False: a format that only binfmt handlers run; the other values are 0.</param>
/// <param name="Class">1: 32 bits; 2: 64 bits.</param>
/// <param name="Machine">EM_*: 62 x86-64, 3 i386.</param>
public readonly record struct ElfHeader(bool IsElf, byte Class, ushort Machine)
{
    /// <summary>Bytes that <see cref="Parse"/> looks at.</summary>
    public const int Size = 20;

    private const int ClassOffset = 4;
    private const int MachineOffset = 18;

    /// <summary>A 64-bit program of x86-64; x32 programs have 32-bit headers.</summary>
    public bool IsX64 => IsElf && Class == 2 && Machine == 62;

    /// <summary>Looks at the first <see cref="Size"/> bytes; fewer are no ELF file.</summary>
    public static ElfHeader Parse(ReadOnlySpan<byte> head) => head.Length >= Size && head.StartsWith("\u007fELF"u8)
        ? new ElfHeader(true, head[ClassOffset], BinaryPrimitives.ReadUInt16LittleEndian(head[MachineOffset..]))
        : default;
}

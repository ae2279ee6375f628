using System.Buffers.Binary;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;

namespace Snap.Dumper.Collect;

/// <summary>Reads the GNU build id of an ELF file: the hash the linker put in, by which two builds of one path are told apart.</summary>
/// <remarks>
/// Elf64_Ehdr: e_phoff u64 at 32, e_phentsize u16 at 54, e_phnum u16 at 56. Elf64_Phdr: p_type u32 (4 = PT_NOTE), p_offset u64 at 8, p_filesz
/// u64 at 32, p_align u64 at 48. A note: namesz, descsz, type (3 = NT_GNU_BUILD_ID) u32 each, name, descriptor, both padded to the alignment.
/// </remarks>
internal static class ElfBuildId
{
    private const int MaxNotes = 64 * 1024;
    private const int MaxId = 64;

    /// <summary>The id in hex, or null if the file can't be read, isn't a 64-bit ELF file, or has none.</summary>
    public static string? ReadOrNull(string path)
    {
        if (FileDescriptor.TryOpen(path, Fcntl.O_RDONLY | Fcntl.O_NONBLOCK, 0, out FileDescriptor? file).IsError)
            return null;
        using (file)
            return Read(file!);
    }

    private static string? Read(FileDescriptor file)
    {
        Span<byte> head = stackalloc byte[64];
        if (!TryReadAll(file, 0, head) || !head.StartsWith("\u007fELF\u0002\u0001"u8))
            return null;
        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(head[32..]);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(head[54..]), count = BinaryPrimitives.ReadUInt16LittleEndian(head[56..]);
        if (size < 56)
            return null;
        Span<byte> program = stackalloc byte[56];
        for (int i = 0; i < count; i++)
        {
            if (!TryReadAll(file, table + ((ulong)i * (ulong)size), program))
                return null;
            if (BinaryPrimitives.ReadUInt32LittleEndian(program) != 4)
                continue;
            ulong length = BinaryPrimitives.ReadUInt64LittleEndian(program[32..]);
            var notes = new byte[Math.Min(length, MaxNotes)];
            bool isWide = BinaryPrimitives.ReadUInt64LittleEndian(program[48..]) == 8;
            if (TryReadAll(file, BinaryPrimitives.ReadUInt64LittleEndian(program[8..]), notes) && Find(notes, isWide ? 8 : 4) is { } id)
                return id;
        }

        return null;
    }

    /// <summary>Finds the id in the bytes of a PT_NOTE segment.</summary>
    internal static string? Find(ReadOnlySpan<byte> notes, int alignment)
    {
        while (notes.Length >= 12)
        {
            uint nameLength = BinaryPrimitives.ReadUInt32LittleEndian(notes), length = BinaryPrimitives.ReadUInt32LittleEndian(notes[4..]);
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(notes[8..]);
            ulong start = Align(12 + (ulong)nameLength, alignment), next = Align(start + length, alignment);
            if (start + length > (ulong)notes.Length)
                return null;
            if (type == 3 && length is > 0 and <= MaxId && notes.Slice(12, (int)nameLength).SequenceEqual("GNU\0"u8))
                return Convert.ToHexStringLower(notes.Slice((int)start, (int)length));
            if (next >= (ulong)notes.Length)
                return null;
            notes = notes[(int)next..];
        }

        return null;
    }

    private static ulong Align(ulong value, int alignment) => (value + (ulong)alignment - 1) & ~((ulong)alignment - 1);

    private static bool TryReadAll(FileDescriptor file, ulong offset, Span<byte> into)
    {
        while (!into.IsEmpty)
        {
            SyscallResult got = file.TryReadAt(offset, into);
            if (got.IsError || got.Value == 0)
                return false;
            offset += (ulong)got.Value;
            into = into[(int)got.Value..];
        }

        return true;
    }
}

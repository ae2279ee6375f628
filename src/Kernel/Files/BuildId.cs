using System.Buffers.Binary;

namespace Snap.Kernel.Files;

/// <summary>Reads the GNU build id of an ELF file, which names its content for sure.</summary>
/// <remarks>
/// elf(5), 64-bit little-endian. Header: e_phoff u64 at 32, e_phentsize u16 at 54, e_phnum u16 at 56. Program header: p_type u32 (PT_NOTE 4), p_offset u64
/// at 8, p_filesz u64 at 32. Note: namesz u32, descsz u32, type u32 (NT_GNU_BUILD_ID 3), name and desc padded to 4.
/// </remarks>
public static class BuildId
{
    private const int HeaderSize = 64, ProgramHeaderSize = 56, MaxProgramHeaders = 128, MaxNotes = 4096, NoteHeader = 12;

    /// <summary>The id in hex.</summary>
    /// <returns>Null if it isn't a 64-bit ELF file, or has none.</returns>
    public static string? Read(FileDescriptor file)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        if (file.TryReadAt(0, header).Value != HeaderSize || !header.StartsWith("\u007fELF\u0002\u0001"u8))
            return null;
        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(header[56..]);
        if (BinaryPrimitives.ReadUInt16LittleEndian(header[54..]) != ProgramHeaderSize || count > MaxProgramHeaders)
            return null;
        var table = new byte[count * ProgramHeaderSize];
        if (file.TryReadAt(offset, table).Value != table.Length)
            return null;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = table.AsSpan(i * ProgramHeaderSize, ProgramHeaderSize);
            if (BinaryPrimitives.ReadUInt32LittleEndian(entry) == 4
                && FindInNotes(file, BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]), BinaryPrimitives.ReadUInt64LittleEndian(entry[32..])) is { } id)
                return id;
        }

        return null;
    }

    private static string? FindInNotes(FileDescriptor file, ulong offset, ulong length)
    {
        var notes = new byte[Math.Min(length, MaxNotes)];
        long got = file.TryReadAt(offset, notes).Value;
        ReadOnlySpan<byte> rest = notes.AsSpan(0, (int)Math.Max(0, got));
        while (rest.Length >= NoteHeader)
        {
            uint name = BinaryPrimitives.ReadUInt32LittleEndian(rest), content = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]);
            ulong start = NoteHeader + Padded(name), end = start + content;
            if (end > (ulong)rest.Length)
                return null;
            if (type == 3 && rest[NoteHeader..].StartsWith("GNU\0"u8))
                return Convert.ToHexStringLower(rest[(int)start..(int)end]);
            ulong next = start + Padded(content);
            if (next >= (ulong)rest.Length)
                return null;
            rest = rest[(int)next..];
        }

        return null;
    }

    private static ulong Padded(uint length) => ((ulong)length + 3) & ~3UL;
}

namespace Snap.Kernel.Procfs;

/// <summary>The last column of a line of maps, taken apart; equal columns of one <see cref="MapsReader"/> share one object.</summary>
/// <remarks>
/// By its text alone a file called <c>x (deleted)</c> can't be told from a deleted <c>x</c>; fstat of /proc/PID/map_files/RANGE can (no links left,
/// or another inode at the path).
/// </remarks>
public sealed record MapsName
{
    /// <summary>No name: private anonymous memory.</summary>
    public static readonly MapsName Anonymous = new() { Kind = MappingKind.Anonymous, Path = "" };

    /// <summary>What the name says the mapping is.</summary>
    public required MappingKind Kind { get; init; }

    /// <summary>The file's path without <c> (deleted)</c>, the name in brackets, or "".</summary>
    public required string Path { get; init; }

    /// <summary>The path ended in <c> (deleted)</c>.</summary>
    public bool IsDeleted { get; init; }

    /// <summary>The column held <c>\012</c>, which was read as a newline, and might be just these four characters; map_files knows.</summary>
    public bool IsAmbiguous { get; init; }

    /// <summary>The NAME of <c>[anon:NAME]</c> or <c>[anon_shmem:NAME]</c>, else null.</summary>
    public string? Label => Kind is MappingKind.NamedAnonymous or MappingKind.NamedSharedAnonymous ? Path[(Path.IndexOf(':') + 1)..^1] : null;

    /// <summary>Reads the column, blanks before it removed.</summary>
    public static MapsName Parse(ReadOnlySpan<byte> column)
    {
        if (column.IsEmpty)
            return Anonymous;
        if (column[0] == '[' && column[^1] == ']')
            return new MapsName { Kind = SpecialKind(column), Path = KernelText.Decode(column) };
        ReadOnlySpan<byte> deleted = " (deleted)"u8;
        bool isDeleted = column.EndsWith(deleted);
        string path = KernelText.DecodeNewlineEscaped(isDeleted ? column[..^deleted.Length] : column, out bool ambiguous);
        return new MapsName { Kind = MappingKind.File, Path = path, IsDeleted = isDeleted, IsAmbiguous = ambiguous };
    }

    /// <summary>The column as people read it.</summary>
    public override string ToString() => IsDeleted ? Path + " (deleted)" : Path;

    private static MappingKind SpecialKind(ReadOnlySpan<byte> column) => column switch
    {
        _ when column.SequenceEqual("[heap]"u8) => MappingKind.Heap,
        _ when column.SequenceEqual("[stack]"u8) => MappingKind.Stack,
        _ when column.SequenceEqual("[vdso]"u8) => MappingKind.Vdso,
        _ when column.SequenceEqual("[vvar]"u8) => MappingKind.Vvar,
        _ when column.SequenceEqual("[vvar_vclock]"u8) => MappingKind.VvarVclock,
        _ when column.SequenceEqual("[vsyscall]"u8) => MappingKind.Vsyscall,
        _ when column.StartsWith("[anon:"u8) => MappingKind.NamedAnonymous,
        _ when column.StartsWith("[anon_shmem:"u8) => MappingKind.NamedSharedAnonymous,
        _ => MappingKind.OtherSpecial,
    };
}

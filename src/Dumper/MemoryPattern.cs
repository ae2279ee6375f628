using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO.Enumeration;
using Snap.Image;

namespace Snap.Dumper;

/// <summary>Names memory: a range of addresses, or mappings by the name that /proc/PID/maps shows.</summary>
/// <remarks>
/// <c>7f3a1000-7f3a3000</c>: these pages. Otherwise a name, with <c>*</c> and <c>?</c>: a file's path, the label of <c>[anon:LABEL]</c>
/// (prctl PR_SET_VMA_ANON_NAME), the name that memfd_create was given, or the column as a whole (<c>[heap]</c>).
/// </remarks>
public sealed record MemoryPattern
{
    private const string Memfd = "/memfd:";

    /// <summary>As it was given.</summary>
    public required string Text { get; init; }

    /// <summary>The pages; null if mappings are named.</summary>
    public PageRange? Range { get; private init; }

    /// <summary>Reads one.</summary>
    /// <returns>False if it is empty, or a range that holds no page or isn't aligned to pages.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out MemoryPattern? pattern)
    {
        pattern = null;
        if (text.Length == 0)
            return false;
        string[] ends = text.Split('-');
        if (ends.Length != 2 || !TryAddress(ends[0], out ulong start) || !TryAddress(ends[1], out ulong end))
        {
            pattern = new MemoryPattern { Text = text };
            return true;
        }

        if (start >= end || ((start | end) & (PageRange.PageSize - 1)) != 0)
            return false;
        pattern = new MemoryPattern { Text = text, Range = PageRange.FromBytes(start, end) };
        return true;
    }

    /// <summary>Whether the name is of a mapping with this column in maps.</summary>
    /// <param name="column">Without <c> (deleted)</c>; "" for memory without a name.</param>
    /// <param name="label">The label of anonymous memory, if it has one.</param>
    public bool IsNameOf(string column, string? label)
    {
        if (Range is not null || column.Length == 0)
            return false;
        return Fits(column) || (label is not null && Fits(label)) || (column.StartsWith(Memfd, StringComparison.Ordinal) && Fits(column[Memfd.Length..]));
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    // Brackets, as in [heap], mean themselves.
    private bool Fits(string name) => FileSystemName.MatchesSimpleExpression(Text.Replace("\\", "\\\\", StringComparison.Ordinal), name, ignoreCase: false);

    private static bool TryAddress(string digits, out ulong address) => ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out address);
}

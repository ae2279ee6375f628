namespace Snap.Kernel.Procfs;

/// <summary>Text of /proc isn't what its parser knows: truncated, or of a kernel whose format differs.</summary>
/// <param name="file">Which kind of file, as under /proc/PID: <c>maps</c>.</param>
/// <param name="detail">What was expected, and what was found.</param>
/// <remarks>The only exception that a parser of this namespace throws, whatever its input.</remarks>
public sealed class ProcfsFormatException(string file, string detail) : FormatException($"unexpected text in {file}: {detail}")
{
    /// <summary>Which kind of file, as under /proc/PID.</summary>
    public string File { get; } = file;

    /// <summary>What was expected, and what was found.</summary>
    public string Detail { get; } = detail;
}

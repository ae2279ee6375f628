using System.Globalization;

namespace Snap.Kernel.Procfs;

/// <summary>Reads the mappings of one process again and again, allocating nothing once its buffers have grown: fit for use within a pause.</summary>
/// <remarks>
/// A descriptor of maps belongs to the address space that the process had when it was opened. After exec it reads as empty for ever, without
/// an error; so an empty answer makes the reader open the file anew. A running process may change its mappings between the kernel's pages of
/// text; a reading in which they then overlap is repeated. Hold a pidfd of the process, so that its pid can't be another's. Not safe for several threads.
/// </remarks>
public sealed class MapsReader : IDisposable
{
    private const int Capacity = 256 * 1024;

    /// <summary>Readings of a running process before it counts as not understood.</summary>
    internal const int Attempts = 8;

    private readonly string _path;
    private readonly MapsParser _parser = new();
    private ProcfsFile _file;
    private bool _sawMappings;
    private bool _reopened;

    private MapsReader(string path, ProcfsFile file)
    {
        _path = path;
        _file = file;
    }

    /// <summary>How often the process was found with another address space than before: how often it called exec, as far as reads could see.</summary>
    public int Replacements { get; private set; }

    /// <summary>Opens the maps of process <paramref name="pid"/>.</summary>
    /// <returns>Null if there is no such process.</returns>
    /// <exception cref="KernelException">Any error but ENOENT and ESRCH: EACCES, if we have no right to ptrace it.</exception>
    public static MapsReader? OpenOrGone(int pid)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/maps");
        return ProcfsFile.OpenOrGone(path, Capacity) is { } file ? new MapsReader(path, file) : null;
    }

    /// <summary>Replaces <paramref name="into"/> by the mappings, in the order of their addresses.</summary>
    /// <returns>False if the process is gone. True and an empty list if it has no memory: a kernel thread, or a zombie.</returns>
    /// <exception cref="KernelException">Any error but ENOENT and ESRCH.</exception>
    /// <exception cref="ProcfsFormatException">The kernel's text isn't understood.</exception>
    public bool TryRead(List<MapsEntry> into)
    {
        for (int attempt = 1; attempt < Attempts; attempt++)
        {
            if (!TryReadText(out ReadOnlySpan<byte> text))
                return Gone(into);
            if (_parser.TryParse(text, into))
                return Seen(into);
        }

        if (!TryReadText(out ReadOnlySpan<byte> last))
            return Gone(into);
        _parser.Parse(last, into);
        return Seen(into);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private bool TryReadText(out ReadOnlySpan<byte> text)
    {
        if (!_file.TryRead(out text))
            return false;
        if (!text.IsEmpty)
            return true;
        if (ProcfsFile.OpenOrGone(_path, Capacity) is not { } file)
            return false;
        _file.Dispose();
        _file = file;
        _reopened = true;
        return _file.TryRead(out text);
    }

    private bool Seen(List<MapsEntry> entries)
    {
        if (entries.Count == 0)
            return true;
        if (_reopened && _sawMappings)
            Replacements++;
        _reopened = false;
        _sawMappings = true;
        return true;
    }

    private static bool Gone(List<MapsEntry> into)
    {
        into.Clear();
        return false;
    }
}

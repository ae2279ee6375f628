namespace Snap.Cli.Output;

/// <summary>One line that says what takes long, on a terminal only; gone when it is over.</summary>
internal sealed class ProgressLine(Terminal terminal) : IDisposable
{
    private readonly Lock _gate = new();
    private int _shown;

    /// <summary>Shows it in place of the one before.</summary>
    public void Show(string text)
    {
        if (!terminal.ErrorIsTerminal)
            return;
        lock (_gate)
        {
            terminal.Error.Write($"\r{text.PadRight(_shown)}\r");
            _shown = text.Length;
        }
    }

    /// <summary>Removes it.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            if (_shown > 0)
                terminal.Error.Write($"\r{new string(' ', _shown)}\r");
            _shown = 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();
}

using System.Text;
using Snap.Kernel.Files;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Snap.Cli.Output;

/// <summary>Where a command writes: results on <see cref="Out"/>, messages on <see cref="Error"/>.</summary>
internal sealed class Terminal
{
    // Wide enough that no column is cut where output goes to a file or another program.
    private const int WidthOfFiles = 400;

    // Held for ever: a handle that the collector finds unused would close the descriptor.
    private static readonly FileDescriptor _output = new(1);
    private static readonly FileDescriptor _error = new(2);


    /// <summary>Writes to two given writers, without colour unless told.</summary>
    public Terminal(TextWriter output, TextWriter error, bool outIsTerminal = false, bool errorIsTerminal = false) =>
        (Out, Error, OutIsTerminal, ErrorIsTerminal) = (output, error, outIsTerminal, errorIsTerminal);

    /// <summary>The process's own standard output and error.</summary>
    public static Terminal Standard { get; } = new(Writer(_output), Writer(_error), IsTerminal(_output), IsTerminal(_error));

    /// <summary>Results.</summary>
    public TextWriter Out { get; }

    /// <summary>Messages, progress, errors.</summary>
    public TextWriter Error { get; }

    /// <summary>Somebody looks at <see cref="Out"/>.</summary>
    public bool OutIsTerminal { get; }

    /// <summary>Somebody looks at <see cref="Error"/>.</summary>
    public bool ErrorIsTerminal { get; }

    /// <summary>Writes a table to <see cref="Out"/>: fitted to a terminal, in colour unless NO_COLOR is set; plain and uncut for anybody else.</summary>
    public void Write(IRenderable table)
    {
        if (OutIsTerminal)
        {
            MakeConsole(Out, string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")), WidthOf(_output)).Write(table);
            return;
        }

        var text = new StringWriter();
        MakeConsole(text, inColour: false, WidthOfFiles).Write(table);
        foreach (string line in text.ToString().Split('\n')[..^1])
            Out.WriteLine(line.TrimEnd());
    }

    private static IAnsiConsole MakeConsole(TextWriter writer, bool inColour, int width)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = inColour ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = inColour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new RichOutput(writer, inColour, width),
        });
        console.Profile.Width = width;
        return console;
    }

    private static StreamWriter Writer(FileDescriptor descriptor) =>
        new(new DescriptorStream(descriptor), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 4096) { AutoFlush = true };

    // TCGETS; a terminal is what answers it.
    private static bool IsTerminal(FileDescriptor descriptor)
    {
        var settings = default(TerminalSettings);
        return !descriptor.TryIoctl(0x5401, ref settings).IsError;
    }

    // TIOCGWINSZ.
    private static int WidthOf(FileDescriptor descriptor)
    {
        // struct winsize: rows, columns and two more, 16 bits each.
        ulong size = 0;
        int columns = descriptor.TryIoctl(0x5413, ref size).IsError ? 0 : (int)(size >> 16 & 0xFFFF);
        return columns > 0 ? columns : 80;
    }

    [System.Runtime.CompilerServices.InlineArray(64)]
    private struct TerminalSettings
    {
        private byte _first;
    }

    private sealed class RichOutput(TextWriter writer, bool isTerminal, int width) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;

        public bool IsTerminal => isTerminal;

        public int Width => width;

        public int Height => 25;

        public void SetEncoding(Encoding encoding)
        {
        }
    }
}

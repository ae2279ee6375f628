using Snap.Image;

namespace Snap.Cli.Output;

/// <summary>Prints a failure in the form that was asked for.</summary>
internal static class ErrorReport
{
    /// <summary>Says on stderr what went wrong beside the work of a command that goes on.</summary>
    public static void Tell(Terminal terminal, SnapException failure) => terminal.Error.WriteLine($"snap: {failure.Render()}");

    /// <summary>Prints it: as text on stderr, or as JSON on stdout.</summary>
    /// <returns>The exit code that belongs to it.</returns>
    public static int Print(Terminal terminal, SnapException failure, bool json)
    {
        try
        {
            if (json)
                terminal.Out.WriteLine(CliJson.Text(new ErrorReportJson { Error = ErrorJson.Of(failure) }, CliJson.Readable.ErrorReportJson));
            else
                Tell(terminal, failure);
        }
        catch (OutputClosedException)
        {
            // Nobody reads it; the exit code still says it.
        }

        return (int)failure.Kind.ExitCode;
    }
}

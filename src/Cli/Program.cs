using Snap.Cli.Output;

namespace Snap.Cli;

/// <summary>Entry point. What has to start fast comes before the command tree is built.</summary>
internal static class Program
{
    /// <summary>The product's version, three numbers.</summary>
    public static string Version => typeof(Program).Assembly.GetName().Version!.ToString(3);

    private static int Main(string[] args)
    {
        if (args is ["--version"])
        {
            Terminal.Standard.Out.WriteLine($"snap {Version}");
            return 0;
        }

        return CommandLine.Run(args, Terminal.Standard);
    }
}

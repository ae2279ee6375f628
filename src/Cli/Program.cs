using Snap.Cli.Output;
using Snap.Dumper;
using Snap.Dumper.Host;

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

        // A tracer is this binary again: it must come up without anything that allocates later or listens to signals.
        if (args is [TracerHost.Command, ..])
            return TracerHost.Main(args[1..], request => TreeTracer.Attach(request, hasWatchdog: true));
        return CommandLine.Run(args, Terminal.Standard);
    }
}

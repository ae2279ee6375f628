using System.Text.Json;
using Snap.Cli.Output;

namespace Snap.Cli.Tests.Commands;

/// <summary>Runs command lines without a process of their own.</summary>
internal static class InProcess
{
    public static (int ExitCode, string Output, string Error) Run(params string[] arguments)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        int code = CommandLine.Run(arguments, new Terminal(output, error));
        return (code, output.ToString(), error.ToString());
    }

    public static (int ExitCode, JsonElement Value) RunJson(params string[] arguments)
    {
        (int code, string output, string error) = Run(arguments);
        Assert.Equal("", error);
        return (code, JsonDocument.Parse(output).RootElement);
    }
}

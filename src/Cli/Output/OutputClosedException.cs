namespace Snap.Cli.Output;

/// <summary>Whoever read our output has gone: <c>snap log | head</c>. No error to be printed, and nobody to print it to.</summary>
internal sealed class OutputClosedException() : Exception("the output's reader has gone")
{
    /// <summary>What a shell shows for a program that SIGPIPE ended.</summary>
    public const int ShellCode = 128 + 13;
}

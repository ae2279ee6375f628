using Snap.Engine.Rescue;

namespace Snap.Cli.Output;

/// <summary>Says that a target was brought back.</summary>
internal static class RescueText
{
    /// <summary>Writes it, with what differs from the original.</summary>
    public static void Write(TextWriter output, RescuedTarget rescued)
    {
        output.WriteLine($"snap: {rescued}");
        foreach (string notice in rescued.Notices)
            output.WriteLine($"note: {notice}");
    }
}

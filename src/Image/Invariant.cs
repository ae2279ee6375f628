using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Snap.Image;

/// <summary>Checks that stay on in Release: what must hold whatever the input, or Snap stops before it does harm.</summary>
public static class Invariant
{
    /// <summary>Throws if <paramref name="condition"/> is false.</summary>
    /// <exception cref="InvalidOperationException">The invariant is broken: a bug of ours.</exception>
    public static void Holds([DoesNotReturnIf(false)] bool condition, [CallerArgumentExpression(nameof(condition))] string? text = null)
    {
        if (!condition)
            throw new InvalidOperationException($"invariant broken: {text}");
    }
}

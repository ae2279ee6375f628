namespace Snap.Kernel.Memory;

/// <summary>Bytes of the target: from <paramref name="Start"/>, <paramref name="Length"/> bytes.</summary>
/// <param name="Start">First byte.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct RemoteRange(RemoteAddress Start, ulong Length)
{
    /// <summary>The byte after the last.</summary>
    public RemoteAddress End => Start + Length;

    /// <summary><c>7f3a1000-7f3a3000</c>.</summary>
    public override string ToString() => $"{Start}-{End}";
}

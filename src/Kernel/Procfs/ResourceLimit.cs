using System.Globalization;

namespace Snap.Kernel.Procfs;

/// <summary>A limit of setrlimit(2), in the resource's unit.</summary>
/// <param name="Soft">What applies now; <see cref="Unlimited"/> for no limit.</param>
/// <param name="Hard">What the soft limit may be raised to.</param>
public readonly record struct ResourceLimit(ulong Soft, ulong Hard)
{
    /// <summary>RLIM_INFINITY.</summary>
    public const ulong Unlimited = ulong.MaxValue;

    /// <summary>As <c>soft/hard</c>.</summary>
    public override string ToString() => $"{Text(Soft)}/{Text(Hard)}";

    private static string Text(ulong value) => value == Unlimited ? "unlimited" : value.ToString(CultureInfo.InvariantCulture);
}

using System.Globalization;

namespace Snap.Kernel;

/// <summary>An address in the target's address space; never to be used as one of ours.</summary>
/// <param name="Value">The address.</param>
public readonly record struct RemoteAddress(ulong Value) : IComparable<RemoteAddress>
{
    /// <summary>True for address 0.</summary>
    public bool IsNull => Value == 0;

    /// <summary>The address <paramref name="bytes"/> further on.</summary>
    public static RemoteAddress operator +(RemoteAddress address, ulong bytes) => new(address.Value + bytes);

    /// <summary>Bytes from <paramref name="right"/> to <paramref name="left"/>.</summary>
    public static ulong operator -(RemoteAddress left, RemoteAddress right) => left.Value - right.Value;

    /// <inheritdoc/>
    public int CompareTo(RemoteAddress other) => Value.CompareTo(other.Value);

    /// <summary>Hex, as /proc/PID/maps writes it.</summary>
    public override string ToString() => Value.ToString("x", CultureInfo.InvariantCulture);
}

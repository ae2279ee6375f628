namespace Snap.Kernel.Abi;

#pragma warning disable CS1591 // Members are the header's own, under the header's own names.

/// <summary>futex(2).</summary>
[AbiConstants("linux/futex.h")]
public static class Futex
{
    public const int FUTEX_WAIT = 0;
    public const int FUTEX_WAIT_BITSET = 9;
    public const int FUTEX_PRIVATE_FLAG = 128;
    public const int FUTEX_CLOCK_REALTIME = 256;
}

namespace Snap.Kernel.Abi;

#pragma warning disable CS1591 // Members are the header's own, under the header's own names.

/// <summary>ioctls of a pidfd.</summary>
[AbiConstants("linux/pidfd.h")]
public static class Pidfd
{
    public const ulong PIDFD_GET_INFO = 0xC040FF0B;
    public const ulong PIDFD_INFO_EXIT = 8;
}

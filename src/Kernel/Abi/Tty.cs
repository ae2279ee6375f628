namespace Snap.Kernel.Abi;

#pragma warning disable CS1591 // Members are the header's own, under the header's own names.

/// <summary>Terminals: ioctl_tty(2).</summary>
[AbiConstants("sys/ioctl.h")]
public static class Tty
{
    public const ulong TIOCGPGRP = 0x540F;
}

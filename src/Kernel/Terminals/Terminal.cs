using Snap.Kernel.Abi;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Terminals;

/// <summary>Our controlling terminal.</summary>
public static unsafe class Terminal
{
    /// <summary>True if our process group is the one that a terminal at our 0, 1 or 2 sends its signals to.</summary>
    public static bool IsForeground
    {
        get
        {
            long own = Door.Call(SyscallNumber.getpgid, 0).Value;
            for (int descriptor = 0; descriptor <= 2; descriptor++)
            {
                int foreground;
                if (!Door.Call(SyscallNumber.ioctl, (ulong)descriptor, Tty.TIOCGPGRP, (ulong)(&foreground)).IsError && foreground == own)
                    return true;
            }

            return false;
        }
    }
}

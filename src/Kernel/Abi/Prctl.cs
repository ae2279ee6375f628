namespace Snap.Kernel.Abi;

#pragma warning disable CS1591 // Members are the header's own, under the header's own names.

/// <summary>prctl(2), arch_prctl(2), membarrier(2), capabilities.</summary>
[AbiConstants("linux/prctl.h", "asm/prctl.h", "linux/membarrier.h", "linux/ioprio.h", "linux/capability.h", "linux/seccomp.h",
    "linux/securebits.h")]
public static class Prctl
{
    public const int PR_SET_PDEATHSIG = 1;
    public const int PR_GET_PDEATHSIG = 2;
    public const int PR_GET_DUMPABLE = 3;
    public const int PR_SET_DUMPABLE = 4;
    public const int PR_GET_KEEPCAPS = 7;
    public const int PR_SET_KEEPCAPS = 8;
    public const int PR_SET_NAME = 15;
    public const int PR_GET_NAME = 16;
    public const int PR_GET_SECCOMP = 21;
    public const int PR_CAPBSET_READ = 23;
    public const int PR_CAPBSET_DROP = 24;
    public const int PR_GET_SECUREBITS = 27;
    public const int PR_SET_SECUREBITS = 28;
    public const int PR_SET_TIMERSLACK = 29;
    public const int PR_GET_TIMERSLACK = 30;
    public const int PR_SET_MM = 35;
    public const int PR_SET_MM_MAP = 14;
    public const int PR_SET_MM_MAP_SIZE = 15;
    public const int PR_SET_MM_EXE_FILE = 13;
    public const int PR_SET_PTRACER = 0x59616d61;
    public const int PR_SET_CHILD_SUBREAPER = 36;
    public const int PR_GET_CHILD_SUBREAPER = 37;
    public const int PR_SET_NO_NEW_PRIVS = 38;
    public const int PR_GET_NO_NEW_PRIVS = 39;
    public const int PR_GET_TID_ADDRESS = 40;
    public const int PR_SET_THP_DISABLE = 41;
    public const int PR_GET_THP_DISABLE = 42;
    public const int PR_CAP_AMBIENT = 47;
    public const int PR_CAP_AMBIENT_RAISE = 2;
    public const int PR_CAP_AMBIENT_CLEAR_ALL = 4;
    public const int PR_SET_VMA = 0x53564d41;
    public const int PR_SET_VMA_ANON_NAME = 0;
    public const int PR_TIMER_CREATE_RESTORE_IDS = 77;
    public const int PR_TIMER_CREATE_RESTORE_IDS_OFF = 0;
    public const int PR_TIMER_CREATE_RESTORE_IDS_ON = 1;
    public const int PR_TIMER_CREATE_RESTORE_IDS_GET = 2;
    public const int SECBIT_NO_SETUID_FIXUP = 4;
    public const int PR_GET_TSC = 25;
    public const int ARCH_MAP_VDSO_64 = 0x2003;
    public const int ARCH_SET_FS = 0x1002;
    public const int ARCH_SET_GS = 0x1001;
    public const int ARCH_GET_FS = 0x1003;
    public const int ARCH_SHSTK_STATUS = 0x5005;
    public const int MEMBARRIER_CMD_GLOBAL = 1;
    public const int MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4;
    public const int MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 16;
    public const int MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64;
    public const int MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ = 0x100;
    public const int MEMBARRIER_CMD_GET_REGISTRATIONS = 0x200;
    public const int IOPRIO_WHO_PROCESS = 1;
    public const int _LINUX_CAPABILITY_VERSION_3 = 0x20080522;
    public const int SECCOMP_MODE_DISABLED = 0;
    public const int SECCOMP_MODE_STRICT = 1;
    public const int SECCOMP_MODE_FILTER = 2;
}

namespace Snap.Kernel.Abi;

#pragma warning disable CS1591 // Members are the header's own, under the header's own names.

/// <summary>clone(2), wait(2), scheduling, limits, kcmp(2).</summary>
[AbiConstants("linux/sched.h", "linux/wait.h", "linux/resource.h", "linux/kcmp.h")]
public static class Sched
{
    public const ulong CLONE_VM = 0x100;
    public const ulong CLONE_FS = 0x200;
    public const ulong CLONE_FILES = 0x400;
    public const ulong CLONE_SIGHAND = 0x800;
    public const ulong CLONE_PTRACE = 0x2000;
    public const ulong CLONE_VFORK = 0x4000;
    public const ulong CLONE_PARENT = 0x8000;
    public const ulong CLONE_THREAD = 0x10000;
    public const ulong CLONE_SYSVSEM = 0x40000;
    public const ulong CLONE_SETTLS = 0x80000;
    public const ulong CLONE_PARENT_SETTID = 0x100000;
    public const ulong CLONE_CHILD_CLEARTID = 0x200000;
    public const ulong CLONE_CHILD_SETTID = 0x1000000;
    public const ulong CLONE_NEWTIME = 128;
    public const ulong CLONE_IO = 0x80000000;
    public const int SCHED_FIFO = 1;
    public const int SCHED_RR = 2;
    public const int SCHED_BATCH = 3;
    public const int SCHED_IDLE = 5;
    public const int SCHED_NORMAL = 0;
    public const int SCHED_RESET_ON_FORK = 0x40000000;
    public const int SCHED_DEADLINE = 6;
    public const int WNOHANG = 1;
    public const int WUNTRACED = 2;
    public const int WEXITED = 4;
    public const int WNOWAIT = 0x1000000;
    public const int WCONTINUED = 8;
    public const int __WALL = 0x40000000;
    public const uint __WCLONE = 0x80000000;
    public const int PRIO_PROCESS = 0;
    public const int RLIMIT_NOFILE = 7;
    public const int RLIMIT_AS = 9;
    public const int RLIMIT_MEMLOCK = 8;
    public const int RLIMIT_CORE = 4;
    public const int RLIMIT_STACK = 3;
    public const int RLIMIT_NPROC = 6;
    public const int KCMP_FILE = 0;
    public const int KCMP_FILES = 2;
    public const int KCMP_VM = 1;
    public const int KCMP_FS = 3;
    public const int KCMP_SIGHAND = 4;
    public const int KCMP_EPOLL_TFD = 7;
    public const int SCHED_FLAG_RESET_ON_FORK = 1;
    public const int P_ALL = 0;
    public const int P_PID = 1;
    public const int WSTOPPED = 2;
}

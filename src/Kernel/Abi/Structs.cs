using System.Runtime.InteropServices;

namespace Snap.Kernel.Abi;

#pragma warning disable CS1591 // Members are the header's own, under the header's own names.

/// <summary>struct iovec.</summary>
[AbiStruct("struct iovec", "sys/uio.h"), StructLayout(LayoutKind.Sequential)]
public struct iovec
{
    public ulong iov_base, iov_len;
}

/// <summary>struct msghdr.</summary>
[AbiStruct("struct msghdr", "sys/socket.h"), StructLayout(LayoutKind.Sequential)]
public struct msghdr
{
    public ulong msg_name;
    public uint msg_namelen;
    public ulong msg_iov, msg_iovlen, msg_control, msg_controllen;
    public int msg_flags;
}

/// <summary>struct cmsghdr, without the data behind it.</summary>
[AbiStruct("struct cmsghdr", "sys/socket.h"), StructLayout(LayoutKind.Sequential)]
public struct cmsghdr
{
    public ulong cmsg_len;
    public int cmsg_level, cmsg_type;
}

/// <summary>struct pidfd_info of Linux 6.15.</summary>
[AbiStruct("struct pidfd_info", "linux/pidfd.h"), StructLayout(LayoutKind.Sequential)]
public struct pidfd_info
{
    public ulong mask, cgroupid;
    public uint pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    public int exit_code;
}

/// <summary>struct ucred: who connected a socket, as SO_PEERCRED tells it.</summary>
[AbiStruct("struct ucred", "sys/socket.h"), StructLayout(LayoutKind.Sequential)]
public struct ucred
{
    public int pid;
    public uint uid, gid;
}

/// <summary>struct user_regs_struct: a thread's general registers as NT_PRSTATUS gives them on x86-64.</summary>
[AbiStruct("struct user_regs_struct", "sys/user.h"), StructLayout(LayoutKind.Sequential)]
public struct user_regs_struct
{
    public ulong r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss,
        fs_base, gs_base, ds, es, fs, gs;
}

/// <summary>struct __ptrace_peeksiginfo_args.</summary>
[AbiStruct("struct __ptrace_peeksiginfo_args", "sys/ptrace.h"), StructLayout(LayoutKind.Sequential)]
public struct ptrace_peeksiginfo_args
{
    public ulong off;
    public uint flags;
    public int nr;
}

/// <summary>struct __ptrace_rseq_configuration.</summary>
[AbiStruct("struct __ptrace_rseq_configuration", "sys/ptrace.h"), StructLayout(LayoutKind.Sequential)]
public struct ptrace_rseq_configuration
{
    public ulong rseq_abi_pointer;
    public uint rseq_abi_size, signature, flags, pad;
}

/// <summary>struct uffdio_api.</summary>
[AbiStruct("struct uffdio_api", "linux/userfaultfd.h"), StructLayout(LayoutKind.Sequential)]
public struct uffdio_api
{
    public ulong api, features, ioctls;
}

/// <summary>struct uffdio_register, its range included.</summary>
[AbiStruct("struct uffdio_register", "linux/userfaultfd.h"), StructLayout(LayoutKind.Sequential)]
public struct uffdio_register
{
    [AbiField("range.start")] public ulong start;
    [AbiField("range.len")] public ulong len;
    public ulong mode, ioctls;
}

/// <summary>struct uffdio_range.</summary>
[AbiStruct("struct uffdio_range", "linux/userfaultfd.h"), StructLayout(LayoutKind.Sequential)]
public struct uffdio_range
{
    public ulong start, len;
}

/// <summary>struct uffdio_writeprotect, its range included.</summary>
[AbiStruct("struct uffdio_writeprotect", "linux/userfaultfd.h"), StructLayout(LayoutKind.Sequential)]
public struct uffdio_writeprotect
{
    [AbiField("range.start")] public ulong start;
    [AbiField("range.len")] public ulong len;
    public ulong mode;
}

/// <summary>struct pm_scan_arg (Linux 6.7).</summary>
[AbiStruct("struct pm_scan_arg", "linux/fs.h"), StructLayout(LayoutKind.Sequential)]
public struct pm_scan_arg
{
    public ulong size, flags, start, end, walk_end, vec, vec_len, max_pages, category_inverted, category_mask, category_anyof_mask, return_mask;
}

/// <summary>struct page_region (Linux 6.7).</summary>
[AbiStruct("struct page_region", "linux/fs.h"), StructLayout(LayoutKind.Sequential)]
public struct page_region
{
    public ulong start, end, categories;
}

/// <summary>struct clone_args.</summary>
[AbiStruct("struct clone_args", "linux/sched.h"), StructLayout(LayoutKind.Sequential)]
public struct clone_args
{
    public ulong flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
}

/// <summary>struct timespec.</summary>
[AbiStruct("struct timespec", "time.h"), StructLayout(LayoutKind.Sequential)]
public struct timespec
{
    public long tv_sec, tv_nsec;
}

/// <summary>struct itimerspec.</summary>
[AbiStruct("struct itimerspec", "time.h"), StructLayout(LayoutKind.Sequential)]
public struct itimerspec
{
    [AbiField("it_interval.tv_sec")] public long interval_sec;
    [AbiField("it_interval.tv_nsec")] public long interval_nsec;
    [AbiField("it_value.tv_sec")] public long value_sec;
    [AbiField("it_value.tv_nsec")] public long value_nsec;
}

/// <summary>struct itimerval.</summary>
[AbiStruct("struct itimerval", "sys/time.h"), StructLayout(LayoutKind.Sequential)]
public struct itimerval
{
    [AbiField("it_interval.tv_sec")] public long interval_sec;
    [AbiField("it_interval.tv_usec")] public long interval_usec;
    [AbiField("it_value.tv_sec")] public long value_sec;
    [AbiField("it_value.tv_usec")] public long value_usec;
}

/// <summary>struct sigevent, with SIGEV_THREAD_ID's member.</summary>
[AbiStruct("struct sigevent", "signal.h"), StructLayout(LayoutKind.Sequential, Size = 64)]
public struct sigevent
{
    public ulong sigev_value;
    public int sigev_signo, sigev_notify;
    [AbiField("_sigev_un._tid")] public int sigev_notify_thread_id;
}

/// <summary>struct prctl_mm_map.</summary>
[AbiStruct("struct prctl_mm_map", "linux/prctl.h"), StructLayout(LayoutKind.Sequential)]
public struct prctl_mm_map
{
    public ulong start_code, end_code, start_data, end_data, start_brk, brk, start_stack, arg_start, arg_end, env_start, env_end, auxv;
    public uint auxv_size, exe_fd;
}

/// <summary>stack_t.</summary>
[AbiStruct("stack_t", "signal.h"), StructLayout(LayoutKind.Sequential)]
public struct stack_t
{
    public ulong ss_sp;
    public int ss_flags;
    public ulong ss_size;
}

/// <summary>struct rlimit64.</summary>
[AbiStruct("struct rlimit64", "sys/resource.h"), StructLayout(LayoutKind.Sequential)]
public struct rlimit64
{
    public ulong rlim_cur, rlim_max;
}

/// <summary>struct pollfd.</summary>
[AbiStruct("struct pollfd", "poll.h"), StructLayout(LayoutKind.Sequential)]
public struct pollfd
{
    public int fd;
    public short events, revents;
}

/// <summary>struct f_owner_ex.</summary>
[AbiStruct("struct f_owner_ex", "fcntl.h"), StructLayout(LayoutKind.Sequential)]
public struct f_owner_ex
{
    public int type, pid;
}

/// <summary>struct epoll_event, packed on x86-64.</summary>
[AbiStruct("struct epoll_event", "sys/epoll.h"), StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct epoll_event
{
    public uint events;
    public ulong data;
}

/// <summary>struct flock.</summary>
[AbiStruct("struct flock", "fcntl.h"), StructLayout(LayoutKind.Sequential)]
public struct flock
{
    public short l_type, l_whence;
    public long l_start, l_len;
    public int l_pid;
}

/// <summary>struct __user_cap_header_struct.</summary>
[AbiStruct("struct __user_cap_header_struct", "linux/capability.h"), StructLayout(LayoutKind.Sequential)]
public struct user_cap_header
{
    public uint version;
    public int pid;
}

/// <summary>struct stat of x86-64.</summary>
[AbiStruct("struct stat", "sys/stat.h"), StructLayout(LayoutKind.Sequential, Size = 144)]
public struct stat
{
    public ulong st_dev, st_ino, st_nlink;
    public uint st_mode, st_uid, st_gid;
    [AbiField("__pad0")] public int pad0;
    public ulong st_rdev;
    public long st_size, st_blksize, st_blocks;
    [AbiField("st_atim.tv_sec")] public long st_atime_sec;
    [AbiField("st_atim.tv_nsec")] public long st_atime_nsec;
    [AbiField("st_mtim.tv_sec")] public long st_mtime_sec;
    [AbiField("st_mtim.tv_nsec")] public long st_mtime_nsec;
    [AbiField("st_ctim.tv_sec")] public long st_ctime_sec;
    [AbiField("st_ctim.tv_nsec")] public long st_ctime_nsec;
}

/// <summary>struct sched_attr.</summary>
[AbiStruct("struct sched_attr", "linux/sched/types.h"), StructLayout(LayoutKind.Sequential)]
public struct sched_attr
{
    public uint size, sched_policy;
    public ulong sched_flags;
    public int sched_nice;
    public uint sched_priority;
    public ulong sched_runtime, sched_deadline, sched_period;
    public uint sched_util_min, sched_util_max;
}

/// <summary>struct kcmp_epoll_slot.</summary>
[AbiStruct("struct kcmp_epoll_slot", "linux/kcmp.h"), StructLayout(LayoutKind.Sequential)]
public struct kcmp_epoll_slot
{
    public uint efd, tfd, toff;
}

/// <summary>siginfo_t as waitid(2) fills it in.</summary>
[AbiStruct("siginfo_t", "signal.h"), StructLayout(LayoutKind.Sequential, Size = 128)]
public struct child_siginfo
{
    public int si_signo, si_errno, si_code, __pad0, si_pid;
    public uint si_uid;
    public int si_status;
}

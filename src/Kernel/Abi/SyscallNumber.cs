namespace Snap.Kernel.Abi;

/// <summary>System call numbers of x86-64 (asm/unistd_64.h) that Snap makes or injects.</summary>
[AbiConstants("asm/unistd_64.h", Prefix = "__NR_")]
public enum SyscallNumber
{
    /// <summary>read(2).</summary>
    read = 0,
    /// <summary>write(2).</summary>
    write = 1,
    /// <summary>close(2).</summary>
    close = 3,
    /// <summary>fstat(2).</summary>
    fstat = 5,
    /// <summary>poll(2).</summary>
    poll = 7,
    /// <summary>lseek(2).</summary>
    lseek = 8,
    /// <summary>mmap(2).</summary>
    mmap = 9,
    /// <summary>mprotect(2).</summary>
    mprotect = 10,
    /// <summary>munmap(2).</summary>
    munmap = 11,
    /// <summary>brk(2).</summary>
    brk = 12,
    /// <summary>rt_sigaction(2).</summary>
    rt_sigaction = 13,
    /// <summary>rt_sigprocmask(2).</summary>
    rt_sigprocmask = 14,
    /// <summary>rt_sigreturn(2).</summary>
    rt_sigreturn = 15,
    /// <summary>ioctl(2).</summary>
    ioctl = 16,
    /// <summary>pread64(2).</summary>
    pread64 = 17,
    /// <summary>pwrite64(2).</summary>
    pwrite64 = 18,
    /// <summary>select(2).</summary>
    select = 23,
    /// <summary>sched_yield(2).</summary>
    sched_yield = 24,
    /// <summary>mremap(2).</summary>
    mremap = 25,
    /// <summary>msync(2).</summary>
    msync = 26,
    /// <summary>mincore(2).</summary>
    mincore = 27,
    /// <summary>madvise(2).</summary>
    madvise = 28,
    /// <summary>dup(2).</summary>
    dup = 32,
    /// <summary>dup2(2).</summary>
    dup2 = 33,
    /// <summary>pause(2).</summary>
    pause = 34,
    /// <summary>nanosleep(2).</summary>
    nanosleep = 35,
    /// <summary>getitimer(2).</summary>
    getitimer = 36,
    /// <summary>setitimer(2).</summary>
    setitimer = 38,
    /// <summary>getpid(2).</summary>
    getpid = 39,
    /// <summary>sendfile(2).</summary>
    sendfile = 40,
    /// <summary>socket(2).</summary>
    socket = 41,
    /// <summary>connect(2).</summary>
    connect = 42,
    /// <summary>sendmsg(2).</summary>
    sendmsg = 46,
    /// <summary>recvmsg(2).</summary>
    recvmsg = 47,
    /// <summary>shutdown(2).</summary>
    shutdown = 48,
    /// <summary>bind(2).</summary>
    bind = 49,
    /// <summary>listen(2).</summary>
    listen = 50,
    /// <summary>socketpair(2).</summary>
    socketpair = 53,
    /// <summary>getsockopt(2).</summary>
    getsockopt = 55,
    /// <summary>clone(2).</summary>
    clone = 56,
    /// <summary>fork(2).</summary>
    fork = 57,
    /// <summary>vfork(2).</summary>
    vfork = 58,
    /// <summary>execve(2).</summary>
    execve = 59,
    /// <summary>exit(2).</summary>
    exit = 60,
    /// <summary>wait4(2).</summary>
    wait4 = 61,
    /// <summary>kill(2).</summary>
    kill = 62,
    /// <summary>uname(2).</summary>
    uname = 63,
    /// <summary>semop(2).</summary>
    semop = 65,
    /// <summary>fcntl(2).</summary>
    fcntl = 72,
    /// <summary>flock(2).</summary>
    flock = 73,
    /// <summary>fsync(2).</summary>
    fsync = 74,
    /// <summary>fdatasync(2).</summary>
    fdatasync = 75,
    /// <summary>ftruncate(2).</summary>
    ftruncate = 77,
    /// <summary>chdir(2).</summary>
    chdir = 80,
    /// <summary>fchdir(2).</summary>
    fchdir = 81,
    /// <summary>mkdir(2).</summary>
    mkdir = 83,
    /// <summary>readlink(2).</summary>
    readlink = 89,
    /// <summary>fchmod(2).</summary>
    fchmod = 91,
    /// <summary>fchown(2).</summary>
    fchown = 93,
    /// <summary>umask(2).</summary>
    umask = 95,
    /// <summary>getrlimit(2).</summary>
    getrlimit = 97,
    /// <summary>sysinfo(2).</summary>
    sysinfo = 99,
    /// <summary>ptrace(2).</summary>
    ptrace = 101,
    /// <summary>getuid(2).</summary>
    getuid = 102,
    /// <summary>geteuid(2).</summary>
    geteuid = 107,
    /// <summary>setpgid(2).</summary>
    setpgid = 109,
    /// <summary>getppid(2).</summary>
    getppid = 110,
    /// <summary>setsid(2).</summary>
    setsid = 112,
    /// <summary>setreuid(2).</summary>
    setreuid = 113,
    /// <summary>setgroups(2).</summary>
    setgroups = 116,
    /// <summary>setresuid(2).</summary>
    setresuid = 117,
    /// <summary>setresgid(2).</summary>
    setresgid = 119,
    /// <summary>getpgid(2).</summary>
    getpgid = 121,
    /// <summary>setfsuid(2).</summary>
    setfsuid = 122,
    /// <summary>setfsgid(2).</summary>
    setfsgid = 123,
    /// <summary>getsid(2).</summary>
    getsid = 124,
    /// <summary>capget(2).</summary>
    capget = 125,
    /// <summary>capset(2).</summary>
    capset = 126,
    /// <summary>rt_sigpending(2).</summary>
    rt_sigpending = 127,
    /// <summary>rt_sigtimedwait(2).</summary>
    rt_sigtimedwait = 128,
    /// <summary>rt_sigqueueinfo(2).</summary>
    rt_sigqueueinfo = 129,
    /// <summary>rt_sigsuspend(2).</summary>
    rt_sigsuspend = 130,
    /// <summary>sigaltstack(2).</summary>
    sigaltstack = 131,
    /// <summary>personality(2).</summary>
    personality = 135,
    /// <summary>getpriority(2).</summary>
    getpriority = 140,
    /// <summary>setpriority(2).</summary>
    setpriority = 141,
    /// <summary>sched_setparam(2).</summary>
    sched_setparam = 142,
    /// <summary>sched_getparam(2).</summary>
    sched_getparam = 143,
    /// <summary>sched_setscheduler(2).</summary>
    sched_setscheduler = 144,
    /// <summary>sched_getscheduler(2).</summary>
    sched_getscheduler = 145,
    /// <summary>mlock(2).</summary>
    mlock = 149,
    /// <summary>prctl(2).</summary>
    prctl = 157,
    /// <summary>arch_prctl(2).</summary>
    arch_prctl = 158,
    /// <summary>setrlimit(2).</summary>
    setrlimit = 160,
    /// <summary>gettid(2).</summary>
    gettid = 186,
    /// <summary>tkill(2).</summary>
    tkill = 200,
    /// <summary>futex(2).</summary>
    futex = 202,
    /// <summary>sched_setaffinity(2).</summary>
    sched_setaffinity = 203,
    /// <summary>sched_getaffinity(2).</summary>
    sched_getaffinity = 204,
    /// <summary>getdents64(2).</summary>
    getdents64 = 217,
    /// <summary>set_tid_address(2).</summary>
    set_tid_address = 218,
    /// <summary>restart_syscall(2).</summary>
    restart_syscall = 219,
    /// <summary>semtimedop(2).</summary>
    semtimedop = 220,
    /// <summary>timer_create(2).</summary>
    timer_create = 222,
    /// <summary>timer_settime(2).</summary>
    timer_settime = 223,
    /// <summary>timer_gettime(2).</summary>
    timer_gettime = 224,
    /// <summary>timer_getoverrun(2).</summary>
    timer_getoverrun = 225,
    /// <summary>timer_delete(2).</summary>
    timer_delete = 226,
    /// <summary>clock_gettime(2).</summary>
    clock_gettime = 228,
    /// <summary>clock_nanosleep(2).</summary>
    clock_nanosleep = 230,
    /// <summary>exit_group(2).</summary>
    exit_group = 231,
    /// <summary>epoll_wait(2).</summary>
    epoll_wait = 232,
    /// <summary>epoll_ctl(2).</summary>
    epoll_ctl = 233,
    /// <summary>tgkill(2).</summary>
    tgkill = 234,
    /// <summary>set_mempolicy(2).</summary>
    set_mempolicy = 238,
    /// <summary>get_mempolicy(2).</summary>
    get_mempolicy = 239,
    /// <summary>waitid(2).</summary>
    waitid = 247,
    /// <summary>ioprio_set(2).</summary>
    ioprio_set = 251,
    /// <summary>ioprio_get(2).</summary>
    ioprio_get = 252,
    /// <summary>openat(2).</summary>
    openat = 257,
    /// <summary>newfstatat(2).</summary>
    newfstatat = 262,
    /// <summary>ppoll(2).</summary>
    ppoll = 271,
    /// <summary>unshare(2).</summary>
    unshare = 272,
    /// <summary>set_robust_list(2).</summary>
    set_robust_list = 273,
    /// <summary>get_robust_list(2).</summary>
    get_robust_list = 274,
    /// <summary>splice(2).</summary>
    splice = 275,
    /// <summary>tee(2).</summary>
    tee = 276,
    /// <summary>sync_file_range(2).</summary>
    sync_file_range = 277,
    /// <summary>vmsplice(2).</summary>
    vmsplice = 278,
    /// <summary>utimensat(2).</summary>
    utimensat = 280,
    /// <summary>epoll_pwait(2).</summary>
    epoll_pwait = 281,
    /// <summary>signalfd(2).</summary>
    signalfd = 282,
    /// <summary>timerfd_create(2).</summary>
    timerfd_create = 283,
    /// <summary>eventfd(2).</summary>
    eventfd = 284,
    /// <summary>fallocate(2).</summary>
    fallocate = 285,
    /// <summary>timerfd_settime(2).</summary>
    timerfd_settime = 286,
    /// <summary>timerfd_gettime(2).</summary>
    timerfd_gettime = 287,
    /// <summary>accept4(2).</summary>
    accept4 = 288,
    /// <summary>signalfd4(2).</summary>
    signalfd4 = 289,
    /// <summary>eventfd2(2).</summary>
    eventfd2 = 290,
    /// <summary>epoll_create1(2).</summary>
    epoll_create1 = 291,
    /// <summary>dup3(2).</summary>
    dup3 = 292,
    /// <summary>pipe2(2).</summary>
    pipe2 = 293,
    /// <summary>inotify_init1(2).</summary>
    inotify_init1 = 294,
    /// <summary>rt_tgsigqueueinfo(2).</summary>
    rt_tgsigqueueinfo = 297,
    /// <summary>prlimit64(2).</summary>
    prlimit64 = 302,
    /// <summary>process_vm_readv(2).</summary>
    process_vm_readv = 310,
    /// <summary>process_vm_writev(2).</summary>
    process_vm_writev = 311,
    /// <summary>kcmp(2).</summary>
    kcmp = 312,
    /// <summary>sched_setattr(2).</summary>
    sched_setattr = 314,
    /// <summary>sched_getattr(2).</summary>
    sched_getattr = 315,
    /// <summary>seccomp(2).</summary>
    seccomp = 317,
    /// <summary>getrandom(2).</summary>
    getrandom = 318,
    /// <summary>memfd_create(2).</summary>
    memfd_create = 319,
    /// <summary>execveat(2).</summary>
    execveat = 322,
    /// <summary>userfaultfd(2).</summary>
    userfaultfd = 323,
    /// <summary>membarrier(2).</summary>
    membarrier = 324,
    /// <summary>mlock2(2).</summary>
    mlock2 = 325,
    /// <summary>copy_file_range(2).</summary>
    copy_file_range = 326,
    /// <summary>rseq(2).</summary>
    rseq = 334,
    /// <summary>pidfd_send_signal(2).</summary>
    pidfd_send_signal = 424,
    /// <summary>pidfd_open(2).</summary>
    pidfd_open = 434,
    /// <summary>clone3(2).</summary>
    clone3 = 435,
    /// <summary>close_range(2).</summary>
    close_range = 436,
    /// <summary>pidfd_getfd(2).</summary>
    pidfd_getfd = 438,
    /// <summary>process_madvise(2).</summary>
    process_madvise = 440,
    /// <summary>epoll_pwait2(2).</summary>
    epoll_pwait2 = 441,
    /// <summary>mseal(2) (Linux 6.10).</summary>
    mseal = 462,
}

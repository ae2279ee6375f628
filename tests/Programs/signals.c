/* signals CHANNEL: a blocked mask per thread; pending signals of the process and of single threads, ordinary and real-time, with their siginfo; handlers with
 * flags, masks and restorers; ignored signals. A check receives what is pending, compares it field by field, and queues it anew. */
#include <pthread.h>
#include "target.h"

struct kernel_action {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

static struct kernel_action actions[65];
static pid_t main_tid, second_tid;
static pthread_t second_thread;
static pthread_barrier_t gate;
static volatile int hits;

static void plain(int number)
{
    (void)number;
    hits++;
}

static void detailed(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (info->si_code == SI_QUEUE && info->si_value.sival_int == 4711)
        hits += 100;
}

static struct kernel_action get_action(int number)
{
    struct kernel_action found = {0};
    syscall(SYS_rt_sigaction, number, 0, &found, 8);
    return found;
}

static sigset_t blocked_main(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGWINCH);
    for (int i = 1; i <= 5; i++)
        sigaddset(&set, SIGRTMIN + i);
    return set;
}

static sigset_t blocked_second(void)
{
    sigset_t set = blocked_main();
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN + 9);
    return set;
}

static void queue_to(pid_t tid, int number, int code, int value)
{
    siginfo_t info = {0};
    info.si_signo = number;
    info.si_code = code;
    info.si_pid = 12345; /* another sender's: it must come back as it was */
    info.si_uid = 54321;
    info.si_value.sival_int = value;
    long done = tid ? syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, number, &info) : syscall(SYS_rt_sigqueueinfo, getpid(), number, &info);
    MUST(done == 0);
}

/* Before the second thread blocks a signal no one may take it: all are queued by the main thread while both block them. */
static void queue_all(void)
{
    queue_to(0, SIGUSR1, SI_QUEUE, 71);
    for (int i = 0; i < 3; i++)
        queue_to(0, SIGRTMIN + 1, SI_QUEUE, 100 + i); /* order counts */
    queue_to(main_tid, SIGRTMIN + 2, SI_QUEUE, 200);
    queue_to(main_tid, SIGWINCH, SI_QUEUE, 201);
    for (int i = 0; i < 40; i++) /* more than one PTRACE_PEEKSIGINFO of 32 */
        queue_to(second_tid, SIGRTMIN + 3, SI_QUEUE, 300 + i);
    MUST(syscall(SYS_tgkill, getpid(), second_tid, SIGUSR2) == 0); /* SI_TKILL of our own */
    MUST(kill(getpid(), SIGRTMIN + 4) == 0);                       /* SI_USER */
}

static void take(int number, int code, int value, int check_sender)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    siginfo_t info;
    struct timespec now = {0, 0};
    /* The call itself: glibc's sigtimedwait shows SI_TKILL as SI_USER. */
    int got = (int)syscall(SYS_rt_sigtimedwait, &one, &info, &now, 8);
    EXPECT(got == number, "pending signal %d: sigtimedwait says %d", number, got);
    if (got != number)
        return;
    EXPECT_EQUAL(code, info.si_code, "si_code");
    if (value >= 0)
        EXPECT_EQUAL(value, info.si_value.sival_int, "si_value");
    EXPECT_EQUAL(check_sender ? 12345 : getpid(), info.si_pid, "si_pid");
    EXPECT_EQUAL(check_sender ? 54321 : (int)getuid(), info.si_uid, "si_uid");
}

static void check_mask(sigset_t expected, const char *whose)
{
    sigset_t found;
    pthread_sigmask(SIG_BLOCK, 0, &found);
    for (int i = 1; i <= 64; i++)
        EXPECT(sigismember(&expected, i) == sigismember(&found, i), "%s: signal %d is %sblocked", whose, i, sigismember(&found, i) == 1 ? "" : "not ");
}

static void none_left(const char *whose)
{
    sigset_t pending;
    sigpending(&pending);
    for (int i = 1; i <= 64; i++)
        EXPECT(sigismember(&pending, i) != 1, "%s: signal %d is pending once too often", whose, i);
}

static void *second(void *argument)
{
    (void)argument;
    second_tid = gettid();
    pthread_barrier_wait(&gate);
    for (;;) {
        pthread_barrier_wait(&gate); /* asked to check */
        check_mask(blocked_second(), "second thread");
        for (int i = 0; i < 40; i++)
            take(SIGRTMIN + 3, SI_QUEUE, 300 + i, 1);
        take(SIGUSR2, SI_TKILL, -1, 0);
        pthread_barrier_wait(&gate);
    }
    return 0;
}

static void check(void)
{
    check_mask(blocked_main(), "main thread");
    take(SIGUSR1, SI_QUEUE, 71, 1);
    for (int i = 0; i < 3; i++)
        take(SIGRTMIN + 1, SI_QUEUE, 100 + i, 1);
    take(SIGRTMIN + 2, SI_QUEUE, 200, 1);
    take(SIGWINCH, SI_QUEUE, 201, 1);
    take(SIGRTMIN + 4, SI_USER, -1, 0);
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
    none_left("main thread");
    for (int i = 1; i <= 64; i++) {
        struct kernel_action found = get_action(i);
        EXPECT(!memcmp(&found, &actions[i], sizeof found), "action of signal %d: handler %p flags %lx mask %llx, expected %p %lx %llx", i, found.handler,
               found.flags, (unsigned long long)found.mask, actions[i].handler, actions[i].flags, (unsigned long long)actions[i].mask);
    }
    hits = 0;
    raise(SIGTERM);
    EXPECT_EQUAL(1, hits, "plain handler");
    sigqueue(getpid(), SIGRTMIN + 7, (union sigval){.sival_int = 4711});
    EXPECT_EQUAL(101, hits, "handler with siginfo");
    raise(SIGHUP); /* ignored */
    queue_all();
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    main_tid = gettid();
    struct sigaction action = {.sa_handler = plain, .sa_flags = SA_RESTART | SA_NODEFER};
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGRTMIN + 6);
    MUST(sigaction(SIGTERM, &action, 0) == 0);
    struct sigaction with_info = {.sa_sigaction = detailed, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigfillset(&with_info.sa_mask);
    MUST(sigaction(SIGRTMIN + 7, &with_info, 0) == 0 && sigaction(SIGUSR1, &with_info, 0) == 0);
    struct sigaction child = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP | SA_NOCLDWAIT};
    MUST(sigaction(SIGCHLD, &child, 0) == 0);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigset_t both = blocked_second(), mine = blocked_main();
    pthread_sigmask(SIG_SETMASK, &both, 0);
    pthread_barrier_init(&gate, 0, 2);
    MUST(pthread_create(&second_thread, 0, second, 0) == 0);
    pthread_barrier_wait(&gate);
    pthread_sigmask(SIG_SETMASK, &mine, 0);
    for (int i = 1; i <= 64; i++) /* after pthread_create, for which glibc installs handlers of its own */
        actions[i] = get_action(i);
    queue_all();
    serve(check, 0);
}

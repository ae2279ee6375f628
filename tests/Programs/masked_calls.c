/* masked_calls CHANNEL: threads that wait for SIGUSR1 the safe way: blocked everywhere, and let in only by the call that waits (sigsuspend, ppoll, pselect,
 * epoll_pwait) or taken by it (sigwaitinfo). Such a call is promised to lose no signal, so none may run its handler anywhere else, and each must end its call.
 *   sent     a signal was sent to every thread but the first: waits until each has had it
 *   check    sends one itself, and looks at the masks
 *
 * masked_calls - signal PID    sends the signal to every thread but the first of another masked_calls */
#include <dirent.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include "target.h"

enum { SUSPEND, POLL, SELECT, EPOLL, WAIT, CALLS };
static const char *const names[CALLS] = {"sigsuspend", "ppoll", "pselect", "epoll_pwait", "sigwaitinfo"};

static struct waiter {
    pthread_t thread;
    int handled, ended;
} waiters[CALLS];
static __thread struct waiter *me;
static __thread volatile int inside;
static sigset_t usual, let_in, awaited;
static int quiet[2], poller, sent;
static pthread_barrier_t set_up;

static void handle(int number)
{
    (void)number;
    EXPECT(me && inside, "the handler ran outside of the call that lets the signal in");
    if (me)
        __atomic_add_fetch(&me->handled, 1, __ATOMIC_SEQ_CST);
}

static int wait_once(long call)
{
    struct pollfd input = {.fd = quiet[0], .events = POLLIN};
    struct epoll_event event;
    fd_set set;
    FD_ZERO(&set);
    FD_SET(quiet[0], &set);
    switch (call) {
    case SUSPEND:
        return sigsuspend(&let_in);
    case POLL:
        return ppoll(&input, 1, 0, &let_in);
    case SELECT:
        return pselect(quiet[0] + 1, &set, 0, 0, 0, &let_in);
    case EPOLL:
        return epoll_pwait(poller, &event, 1, -1, &let_in);
    default:
        return sigwaitinfo(&awaited, 0);
    }
}

static void *wait_for_ever(void *argument)
{
    long call = (long)argument;
    me = &waiters[call];
    pthread_barrier_wait(&set_up);
    for (;;) {
        int before = me->handled;
        inside = 1;
        int got = wait_once(call);
        int error = errno;
        inside = 0;
        int handled = me->handled - before;
        if (call == WAIT && got == SIGUSR1) {
            EXPECT_EQUAL(0, handled, "handler beside sigwaitinfo");
        } else {
            EXPECT(got == -1 && error == EINTR, "%s returned %d, %s", names[call], got, strerror(error));
            /* signal(7): these two end with EINTR after a mere stop, too. */
            if (handled == 0 && (call == EPOLL || call == WAIT))
                continue;
            EXPECT_EQUAL(1, handled, names[call]);
        }
        sigset_t now;
        pthread_sigmask(SIG_SETMASK, 0, &now);
        EXPECT(memcmp(&now, &usual, 8) == 0, "the mask after %s is %lx, not %lx", names[call], *(unsigned long *)&now, *(unsigned long *)&usual);
        __atomic_add_fetch(&me->ended, 1, __ATOMIC_SEQ_CST);
    }
    return 0;
}

static void expect_all_had_it(void)
{
    sent++;
    long long start = now_ns();
    for (int i = 0; i < CALLS; i++) {
        while (__atomic_load_n(&waiters[i].ended, __ATOMIC_SEQ_CST) < sent && now_ns() - start < 10000000000ll)
            sleep_ms(1);
        EXPECT_EQUAL(sent, waiters[i].ended, names[i]);
    }
}

static void check(void)
{
    for (int i = 0; i < CALLS; i++)
        pthread_kill(waiters[i].thread, SIGUSR1);
    expect_all_had_it();
}

static void looked_at_sent(void)
{
    expect_all_had_it();
}

static int other(const char *command)
{
    if (strcmp(command, "sent"))
        return 0;
    run_check(looked_at_sent);
    return 1;
}

static int signal_threads(const char *pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/task", pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        return 1;
    for (struct dirent *entry; (entry = readdir(tasks));)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, pid) && syscall(SYS_tgkill, atoi(pid), atoi(entry->d_name), SIGUSR1) != 0)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    if (argc > 3 && !strcmp(argv[2], "signal"))
        return signal_threads(argv[3]);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handle}, 0);
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGUSR1);
    /* SIGURG and SIGWINCH too: Snap itself stops threads by them. */
    sigaddset(&awaited, SIGURG);
    sigaddset(&awaited, SIGWINCH);
    pthread_sigmask(SIG_BLOCK, &awaited, &let_in);
    pthread_sigmask(SIG_SETMASK, 0, &usual);
    MUST(pipe(quiet) == 0);
    poller = epoll_create1(EPOLL_CLOEXEC);
    MUST(epoll_ctl(poller, EPOLL_CTL_ADD, quiet[0], &(struct epoll_event){.events = EPOLLIN}) == 0);
    pthread_barrier_init(&set_up, 0, CALLS + 1);
    for (long i = 0; i < CALLS; i++)
        MUST(pthread_create(&waiters[i].thread, 0, wait_for_ever, (void *)i) == 0);
    pthread_barrier_wait(&set_up);
    sleep_ms(20); /* into their calls */
    serve(check, other);
}

/* waiting_calls CHANNEL: a thread for each system call that can wait, asleep in it. A check lets each have what it waits for, and expects the result that it
 * has undisturbed; then all wait again. A call that fails with EINTR is made again, and counted: "interrupted" says which, a line each.
 * No signal is ever sent here, so whatever is interrupted was interrupted by being stopped. */
#include <pthread.h>
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "target.h"

#define TIMEOUT_MS 1500

struct waiter {
    const char *name;
    void (*prepare)(struct waiter *); /* before each round, may be null */
    long (*wait)(struct waiter *);    /* the call; what it returned */
    void (*wake)(struct waiter *);    /* null: it ends by its time-out */
    long expected;
    int fd[2];
    int id;
    uint32_t word;
    int interrupted;
};

static pthread_barrier_t gate;
static char bytes[1 << 16];
static int leaving; /* what waits may be taken away */

static struct timespec in_ms(long ms)
{
    return (struct timespec){ms / 1000, ms % 1000 * 1000000};
}

static void write_one(struct waiter *w) { MUST(write(w->fd[1], "x\n", 1) == 1); }
static void drain(struct waiter *w)
{
    struct pollfd input = {.fd = w->fd[0], .events = POLLIN};
    while (poll(&input, 1, 0) > 0)
        MUST(read(w->fd[0], bytes, sizeof bytes) > 0);
}
static void fill(struct waiter *w)
{
    int flags = fcntl(w->fd[1], F_GETFL);
    fcntl(w->fd[1], F_SETFL, flags | O_NONBLOCK);
    while (write(w->fd[1], bytes, sizeof bytes) > 0) {
    }
    while (write(w->fd[1], bytes, 1) > 0) {
    }
    fcntl(w->fd[1], F_SETFL, flags);
}

static long do_read(struct waiter *w) { char byte; return read(w->fd[0], &byte, 1); }
static long do_readv(struct waiter *w) { uint64_t eight[16]; return read(w->fd[0], eight, sizeof eight) > 0; }
static long do_write(struct waiter *w) { return write(w->fd[1], "y", 1); }
static long do_poll(struct waiter *w) { struct pollfd p = {.fd = w->fd[0], .events = POLLIN}; return poll(&p, 1, -1); }
static long do_ppoll(struct waiter *w) { struct pollfd p = {.fd = w->fd[0], .events = POLLIN}; sigset_t all; sigfillset(&all); return ppoll(&p, 1, 0, &all); }
static long do_select(struct waiter *w) { fd_set set; FD_ZERO(&set); FD_SET(w->fd[0], &set); return select(w->fd[0] + 1, &set, 0, 0, 0); }
static long do_pselect(struct waiter *w) { fd_set set; FD_ZERO(&set); FD_SET(w->fd[0], &set); sigset_t all; sigfillset(&all); return pselect(w->fd[0] + 1, &set, 0, 0, 0, &all); }
static long do_epoll_wait(struct waiter *w) { struct epoll_event event; return epoll_wait(w->id, &event, 1, -1); }
static long do_epoll_hour(struct waiter *w) { struct epoll_event event; return epoll_wait(w->id, &event, 1, 3600000); }
static long do_epoll_pwait(struct waiter *w) { struct epoll_event event; sigset_t all; sigfillset(&all); return epoll_pwait(w->id, &event, 1, -1, &all); }
static long do_recv(struct waiter *w) { char byte; return recv(w->fd[0], &byte, 1, 0); }
static long do_recvmsg(struct waiter *w) { char byte; struct iovec part = {&byte, 1}; struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1}; return recvmsg(w->fd[0], &message, 0); }
static long do_send(struct waiter *w) { return send(w->fd[1], "y", 1, 0); }
static long do_accept(struct waiter *w) { int got = accept(w->fd[0], 0, 0); if (got >= 0) close(got); return got < 0 ? got : 1; }
static long do_connect(struct waiter *w)
{
    struct sockaddr_un address;
    socklen_t length = sizeof address;
    MUST(getsockname(w->fd[0], (struct sockaddr *)&address, &length) == 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0), got = connect(client, (struct sockaddr *)&address, length), error = errno;
    close(client);
    errno = error;
    return got;
}
static long do_futex(struct waiter *w) { return __atomic_load_n(&w->word, __ATOMIC_SEQ_CST) ? 0 : syscall(SYS_futex, &w->word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0); }
static long do_bitset(struct waiter *w) { return __atomic_load_n(&w->word, __ATOMIC_SEQ_CST) ? 0 : syscall(SYS_futex, &w->word, FUTEX_WAIT_BITSET_PRIVATE, 0, 0, 0, -1); }
static long do_waitid(struct waiter *w) { siginfo_t info; return waitid(P_PID, w->id, &info, WEXITED); }
static long do_wait4(struct waiter *w) { int status; return waitpid(w->id, &status, 0) == w->id ? 1 : -1; }
static long do_flock(struct waiter *w) { return flock(w->fd[0], LOCK_EX); }
static long do_ofd(struct waiter *w) { struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1}; return fcntl(w->fd[0], F_OFD_SETLKW, &lock); }
static long do_semop(struct waiter *w) { struct sembuf down = {0, -1, 0}; return semop(w->id, &down, 1); }
static long do_semtimedop(struct waiter *w) { struct sembuf down = {0, -1, 0}; struct timespec hour = {3600, 0}; return semtimedop(w->id, &down, 1, &hour); }
struct message { long type; char byte; };
static long do_msgrcv(struct waiter *w) { struct message m; return msgrcv(w->id, &m, 1, 0, 0); }
static long do_sigwaitinfo(struct waiter *w) { sigset_t set; sigemptyset(&set); sigaddset(&set, w->id); return sigwaitinfo(&set, 0); }
static long do_sigtimedwait(struct waiter *w) { sigset_t set; sigemptyset(&set); sigaddset(&set, w->id); struct timespec hour = {3600, 0}; return sigtimedwait(&set, 0, &hour); }
static long do_open(struct waiter *w)
{
    char path[600];
    snprintf(path, sizeof path, "%s/fifo", target_directory);
    (void)w;
    int got = open(path, O_RDONLY);
    if (got >= 0)
        close(got);
    return got < 0 ? got : 1;
}

/* Those that end by their time-out: 1 if they took at least that long and said what they should. */
static long timed(long long start, int ok) { return ok && now_ns() - start >= (TIMEOUT_MS - 1) * 1000000ll; }
static long do_nanosleep(struct waiter *w) { (void)w; long long start = now_ns(); struct timespec time = in_ms(TIMEOUT_MS); int got = nanosleep(&time, 0); return got < 0 ? got : timed(start, 1); }
static long do_clock_nanosleep(struct waiter *w)
{
    (void)w;
    long long start = now_ns(), end = start + TIMEOUT_MS * 1000000ll;
    struct timespec until = {end / 1000000000, end % 1000000000};
    int got = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, 0);
    errno = got;
    return got ? -1 : timed(start, 1);
}
static long do_poll_timeout(struct waiter *w) { long long start = now_ns(); struct pollfd p = {.fd = w->fd[0], .events = POLLIN}; int got = poll(&p, 1, TIMEOUT_MS); return got < 0 ? got : timed(start, got == 0); }
static long do_select_timeout(struct waiter *w)
{
    long long start = now_ns();
    fd_set set;
    FD_ZERO(&set);
    FD_SET(w->fd[0], &set);
    struct timeval time = {TIMEOUT_MS / 1000, TIMEOUT_MS % 1000 * 1000};
    int got = select(w->fd[0] + 1, &set, 0, 0, &time);
    return got < 0 ? got : timed(start, got == 0);
}
static long do_futex_timeout(struct waiter *w)
{
    long long start = now_ns();
    struct timespec time = in_ms(TIMEOUT_MS);
    long got = syscall(SYS_futex, &w->word, FUTEX_WAIT_PRIVATE, 0, &time, 0, 0);
    return got < 0 && errno == EINTR ? got : timed(start, got < 0 && errno == ETIMEDOUT);
}

static void wake_futex(struct waiter *w) { __atomic_store_n(&w->word, 1, __ATOMIC_SEQ_CST); syscall(SYS_futex, &w->word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0); }
static void wake_event(struct waiter *w) { uint64_t one = 1; MUST(write(w->fd[0], &one, 8) == 8); }
static void wake_timer(struct waiter *w) { struct itimerspec now = {.it_value = {0, 1}}; MUST(timerfd_settime(w->fd[0], 0, &now, 0) == 0); }
static void wake_signal(struct waiter *w) { MUST(kill(getpid(), w->id) == 0); }
static void wake_inotify(struct waiter *w) { (void)w; char path[600]; snprintf(path, sizeof path, "%s/fifo", target_directory); MUST(chmod(path, 0600) == 0); }
static void wake_child(struct waiter *w) { MUST(write(w->fd[1], "x", 1) == 1); }
static void wake_flock(struct waiter *w) { MUST(flock(w->fd[1], LOCK_UN) == 0); }
static void wake_ofd(struct waiter *w) { struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_len = 1}; MUST(fcntl(w->fd[1], F_OFD_SETLK, &lock) == 0); }
static void wake_semaphore(struct waiter *w) { struct sembuf up = {0, 1, 0}; MUST(semop(w->id, &up, 1) == 0); }
static void wake_message(struct waiter *w) { struct message m = {1, 'x'}; MUST(msgsnd(w->id, &m, 1, 0) == 0); }
static void wake_open(struct waiter *w)
{
    char path[600];
    snprintf(path, sizeof path, "%s/fifo", target_directory);
    (void)w;
    int file;
    while ((file = open(path, O_WRONLY | O_NONBLOCK)) < 0 && errno == ENXIO)
        sleep_ms(1);
    MUST(file >= 0);
    close(file);
}
static void wake_accept(struct waiter *w) { MUST(do_connect(w) == 0); }
static void wake_connect(struct waiter *w) { int got = accept(w->fd[0], 0, 0); MUST(got >= 0); close(got); }

static void lock_flock(struct waiter *w) { flock(w->fd[0], LOCK_UN); MUST(flock(w->fd[1], LOCK_EX | LOCK_NB) == 0); }
static void lock_ofd(struct waiter *w)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_len = 1};
    MUST(fcntl(w->fd[0], F_OFD_SETLK, &lock) == 0);
    lock.l_type = F_WRLCK;
    MUST(fcntl(w->fd[1], F_OFD_SETLK, &lock) == 0);
}
static void clear_word(struct waiter *w) { w->word = 0; }
static void make_child(struct waiter *w)
{
    w->id = fork();
    MUST(w->id >= 0);
    if (w->id == 0) {
        char byte;
        close(w->fd[1]);
        while (read(w->fd[0], &byte, 1) < 0 && errno == EINTR) {
        }
        _exit(0);
    }
}

static struct waiter waiters[] = {
    {"read of a pipe", 0, do_read, write_one, 1, {0}, 0, 0, 0}, {"read of a terminal", 0, do_read, write_one, 1, {0}, 0, 0, 0},
    {"write to a pipe", fill, do_write, drain, 1, {0}, 0, 0, 0}, {"poll", drain, do_poll, write_one, 1, {0}, 0, 0, 0},
    {"ppoll", drain, do_ppoll, write_one, 1, {0}, 0, 0, 0}, {"select", drain, do_select, write_one, 1, {0}, 0, 0, 0},
    {"pselect", drain, do_pselect, write_one, 1, {0}, 0, 0, 0}, {"epoll_wait", drain, do_epoll_wait, write_one, 1, {0}, 0, 0, 0},
    {"epoll_wait, time-out", drain, do_epoll_hour, write_one, 1, {0}, 0, 0, 0}, {"epoll_pwait", drain, do_epoll_pwait, write_one, 1, {0}, 0, 0, 0}, {"futex", clear_word, do_futex, wake_futex, 0, {0}, 0, 0, 0},
    {"futex, bitset", clear_word, do_bitset, wake_futex, 0, {0}, 0, 0, 0}, {"read of an eventfd", 0, do_readv, wake_event, 1, {0}, 0, 0, 0},
    {"read of a timerfd", 0, do_readv, wake_timer, 1, {0}, 0, 0, 0}, {"read of a signalfd", 0, do_readv, wake_signal, 1, {0}, 0, 0, 0},
    {"read of an inotify", 0, do_readv, wake_inotify, 1, {0}, 0, 0, 0}, {"recv", 0, do_recv, write_one, 1, {0}, 0, 0, 0},
    {"recvmsg", 0, do_recvmsg, write_one, 1, {0}, 0, 0, 0}, {"recv, SO_RCVTIMEO", 0, do_recv, write_one, 1, {0}, 0, 0, 0},
    {"send", fill, do_send, drain, 1, {0}, 0, 0, 0}, {"send, SO_SNDTIMEO", fill, do_send, drain, 1, {0}, 0, 0, 0},
    {"accept", 0, do_accept, wake_accept, 1, {0}, 0, 0, 0}, {"accept, SO_RCVTIMEO", 0, do_accept, wake_accept, 1, {0}, 0, 0, 0},
    {"connect", 0, do_connect, wake_connect, 0, {0}, 0, 0, 0}, {"waitid", make_child, do_waitid, wake_child, 0, {0}, 0, 0, 0},
    {"wait4", make_child, do_wait4, wake_child, 1, {0}, 0, 0, 0}, {"flock", lock_flock, do_flock, wake_flock, 0, {0}, 0, 0, 0},
    {"fcntl, F_OFD_SETLKW", lock_ofd, do_ofd, wake_ofd, 0, {0}, 0, 0, 0}, {"semop", 0, do_semop, wake_semaphore, 0, {0}, 0, 0, 0},
    {"semtimedop", 0, do_semtimedop, wake_semaphore, 0, {0}, 0, 0, 0}, {"msgrcv", 0, do_msgrcv, wake_message, 1, {0}, 0, 0, 0},
    {"sigwaitinfo", 0, do_sigwaitinfo, wake_signal, 0, {0}, 0, 0, 0}, {"sigtimedwait", 0, do_sigtimedwait, wake_signal, 0, {0}, 0, 0, 0},
    {"open of a FIFO", 0, do_open, wake_open, 1, {0}, 0, 0, 0}, {"nanosleep", 0, do_nanosleep, 0, 1, {0}, 0, 0, 0},
    {"clock_nanosleep", 0, do_clock_nanosleep, 0, 1, {0}, 0, 0, 0}, {"poll, time-out", 0, do_poll_timeout, 0, 1, {0}, 0, 0, 0},
    {"select, time-out", 0, do_select_timeout, 0, 1, {0}, 0, 0, 0}, {"futex, time-out", 0, do_futex_timeout, 0, 1, {0}, 0, 0, 0},
};
#define WAITERS (long)(sizeof waiters / sizeof *waiters)

static int is(const struct waiter *w, const char *prefix) { return !strncmp(w->name, prefix, strlen(prefix)); }

static void set_up(struct waiter *w, long number)
{
    char path[600];
    if (strstr(w->name, "terminal")) {
        char name[128];
        w->fd[1] = posix_openpt(O_RDWR | O_NOCTTY);
        MUST(w->fd[1] >= 0 && grantpt(w->fd[1]) == 0 && unlockpt(w->fd[1]) == 0 && ptsname_r(w->fd[1], name, sizeof name) == 0);
        w->fd[0] = open(name, O_RDWR | O_NOCTTY);
        MUST(w->fd[0] >= 0 && system("true") == 0);
        /* byte by byte, so that the one that wakes is the one that is read */
        snprintf(path, sizeof path, "stty -F %s raw -echo", name);
        MUST(system(path) == 0);
    } else if (strstr(w->name, "eventfd"))
        w->fd[0] = eventfd(0, 0);
    else if (strstr(w->name, "timerfd"))
        w->fd[0] = timerfd_create(CLOCK_MONOTONIC, 0);
    else if (strstr(w->name, "signalfd") || is(w, "sigwait") || is(w, "sigtimed")) {
        w->id = SIGRTMIN + (int)number % 20;
        w->expected = is(w, "sig") ? w->id : 1;
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, w->id);
        pthread_sigmask(SIG_BLOCK, &set, 0); /* before there are threads: all inherit it */
        if (!is(w, "sig"))
            w->fd[0] = signalfd(-1, &set, 0);
    } else if (strstr(w->name, "inotify")) {
        snprintf(path, sizeof path, "%s/fifo", target_directory);
        w->fd[0] = inotify_init1(0);
        MUST(inotify_add_watch(w->fd[0], path, IN_ATTRIB) >= 0);
    } else if (is(w, "recv") || is(w, "send")) {
        MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, w->fd) == 0);
    } else if (is(w, "accept") || is(w, "connect")) {
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        w->fd[0] = socket(AF_UNIX, SOCK_STREAM, 0);
        MUST(bind(w->fd[0], (struct sockaddr *)&name, sizeof(sa_family_t)) == 0 && listen(w->fd[0], is(w, "connect") ? 0 : 5) == 0);
        if (is(w, "connect"))
            MUST(do_connect(w) == 0); /* fills the queue */
    } else if (is(w, "flock") || is(w, "fcntl")) {
        snprintf(path, sizeof path, "%s/locked%ld", target_directory, number);
        MUST((w->fd[0] = open(path, O_RDWR | O_CREAT, 0600)) >= 0 && (w->fd[1] = open(path, O_RDWR)) >= 0);
    } else if (is(w, "sem"))
        MUST((w->id = semget(IPC_PRIVATE, 1, 0600)) >= 0);
    else if (is(w, "msg"))
        MUST((w->id = msgget(IPC_PRIVATE, 0600)) >= 0);
    else
        MUST(pipe(w->fd) == 0);
    struct timeval hour = {3600, 0};
    if (strstr(w->name, "SO_RCVTIMEO"))
        MUST(setsockopt(w->fd[0], SOL_SOCKET, SO_RCVTIMEO, &hour, sizeof hour) == 0);
    if (strstr(w->name, "SO_SNDTIMEO"))
        MUST(setsockopt(w->fd[1], SOL_SOCKET, SO_SNDTIMEO, &hour, sizeof hour) == 0);
    if (is(w, "epoll")) {
        struct epoll_event event = {.events = EPOLLIN};
        MUST((w->id = epoll_create1(0)) >= 0 && epoll_ctl(w->id, EPOLL_CTL_ADD, w->fd[0], &event) == 0);
    }
}

static void remove_queues(void)
{
    __atomic_store_n(&leaving, 1, __ATOMIC_SEQ_CST);
    for (long i = 0; i < WAITERS; i++) {
        if (is(&waiters[i], "sem"))
            semctl(waiters[i].id, 0, IPC_RMID);
        if (is(&waiters[i], "msg"))
            msgctl(waiters[i].id, IPC_RMID, 0);
    }
}

static void *run(void *argument)
{
    struct waiter *w = argument;
    for (;;) {
        if (w->prepare)
            w->prepare(w);
        pthread_barrier_wait(&gate);
        long got;
        while ((got = w->wait(w)) < 0 && errno == EINTR)
            w->interrupted++;
        while (__atomic_load_n(&leaving, __ATOMIC_SEQ_CST))
            sleep_ms(1000);
        EXPECT(got == w->expected, "%s: expected %ld, found %ld, %s", w->name, w->expected, got, got < 0 ? strerror(errno) : "");
        pthread_barrier_wait(&gate);
    }
    return 0;
}

static void check(void)
{
    for (long i = 0; i < WAITERS; i++)
        if (waiters[i].wake)
            waiters[i].wake(&waiters[i]);
    pthread_barrier_wait(&gate); /* all came back */
    pthread_barrier_wait(&gate); /* all are about to wait again */
}

static int other(const char *command)
{
    if (strcmp(command, "interrupted"))
        return 0;
    for (long i = 0; i < WAITERS; i++)
        if (waiters[i].interrupted)
            say("%s", waiters[i].name);
    say("done");
    return 1;
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    char path[600];
    snprintf(path, sizeof path, "%s/fifo", target_directory);
    MUST(mkfifo(path, 0600) == 0);
    for (long i = 0; i < WAITERS; i++)
        set_up(&waiters[i], i);
    atexit(remove_queues);
    pthread_barrier_init(&gate, 0, WAITERS + 1);
    for (long i = 0; i < WAITERS; i++) {
        pthread_t thread;
        MUST(pthread_create(&thread, 0, run, &waiters[i]) == 0);
    }
    pthread_barrier_wait(&gate);
    serve(check, other);
}

/* blocking_calls CHANNEL: threads, each blocked in one system call while the snapshot is taken: what the call returns in the end must be what it promises.
 * Sleeps with a time-out must have slept at least that long, counted in time that the target lived through (a restore doesn't count the time it was dead).
 * A check wakes those that wait for something, and waits for the others; then all block again. */
#include <pthread.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include "target.h"

#define ROUND_MS 300
static pthread_barrier_t round_gate;
static int pipe_for_read[2], pipe_for_poll[2], pipe_for_epoll[2], pipe_for_select[2], quiet[2], full[2], poller;
static uint32_t futex_word, quiet_word;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int condition_met;
static sem_t semaphore;
static int asked; /* round whose waiters have been woken */

static void wait_read(void)
{
    char byte = 0;
    ssize_t got = read(pipe_for_read[0], &byte, 1);
    EXPECT(got == 1 && byte == 'r', "read returned %zd, %s", got, got < 0 ? strerror(errno) : "");
}

static void wait_write(void)
{
    static char bytes[65536];
    ssize_t put = write(full[1], bytes, sizeof bytes);
    EXPECT(put == sizeof bytes, "write to a full pipe returned %zd, %s", put, put < 0 ? strerror(errno) : "");
}

static void wait_poll(void)
{
    struct pollfd input = {.fd = pipe_for_poll[0], .events = POLLIN};
    int got = poll(&input, 1, -1);
    EXPECT(got == 1, "poll returned %d, %s", got, got < 0 ? strerror(errno) : "");
    char byte;
    MUST(read(pipe_for_poll[0], &byte, 1) == 1);
}

static void wait_epoll(void)
{
    struct epoll_event event;
    int got;
    /* signal(7): epoll_wait fails with EINTR after a stop by a signal, whatever SA_RESTART says. So any program must be ready for it. */
    while ((got = epoll_wait(poller, &event, 1, -1)) < 0 && errno == EINTR) {
    }
    EXPECT(got == 1 && event.data.u64 == 5, "epoll_wait returned %d", got);
    char byte;
    MUST(read(pipe_for_epoll[0], &byte, 1) == 1);
}

static void wait_select(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe_for_select[0], &set);
    int got = select(pipe_for_select[0] + 1, &set, 0, 0, 0);
    EXPECT(got == 1, "select returned %d, %s", got, got < 0 ? strerror(errno) : "");
    char byte;
    MUST(read(pipe_for_select[0], &byte, 1) == 1);
}

static void wait_futex(void)
{
    while (__atomic_load_n(&futex_word, __ATOMIC_SEQ_CST) == 0) {
        long got = syscall(SYS_futex, &futex_word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
        EXPECT(got == 0 || errno == EAGAIN || errno == EINTR, "futex wait returned %ld, %s", got, strerror(errno));
    }
}

static void wait_condition(void)
{
    pthread_mutex_lock(&mutex);
    while (!condition_met)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void wait_semaphore(void)
{
    while (sem_wait(&semaphore) != 0)
        EXPECT(errno == EINTR, "sem_wait: %s", strerror(errno));
}

static void expect_slept(long long start, const char *what)
{
    long long slept = (now_ns() - start) / 1000000;
    EXPECT(slept >= ROUND_MS - 1, "%s came back after %lld ms, not %d", what, slept, ROUND_MS);
}

static void sleep_nanosleep(void)
{
    long long start = now_ns();
    struct timespec time = {0, ROUND_MS * 1000000}, left = {0, 0};
    int got = nanosleep(&time, &left);
    EXPECT(got == 0 || errno == EINTR, "nanosleep returned %d, %s", got, strerror(errno));
    while (got != 0)
        got = nanosleep(&left, &left);
    expect_slept(start, "nanosleep");
}

static void sleep_absolute(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    long long start = until.tv_sec * 1000000000ll + until.tv_nsec, end = start + ROUND_MS * 1000000ll;
    until = (struct timespec){end / 1000000000, end % 1000000000};
    int got;
    while ((got = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, 0)) == EINTR) {
    }
    EXPECT(got == 0, "clock_nanosleep returned %d", got);
    expect_slept(start, "clock_nanosleep");
}

static void sleep_poll(void)
{
    long long start = now_ns();
    struct pollfd input = {.fd = quiet[0], .events = POLLIN};
    int got = poll(&input, 1, ROUND_MS);
    EXPECT(got == 0, "poll with a time-out returned %d, %s", got, got < 0 ? strerror(errno) : "");
    expect_slept(start, "poll");
}

static void sleep_futex(void)
{
    long long start = now_ns();
    struct timespec time = {0, ROUND_MS * 1000000};
    long got = syscall(SYS_futex, &quiet_word, FUTEX_WAIT_PRIVATE, 0, &time, 0, 0);
    EXPECT(got == -1 && (errno == ETIMEDOUT || errno == EINTR), "futex with a time-out returned %ld, %s", got, strerror(errno));
    if (errno == ETIMEDOUT)
        expect_slept(start, "futex");
}

static void sleep_condition(void)
{
    long long start = now_ns();
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    long long end = until.tv_sec * 1000000000ll + until.tv_nsec + ROUND_MS * 1000000ll;
    until = (struct timespec){end / 1000000000, end % 1000000000};
    pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&own);
    int got = 0;
    while (got == 0)
        got = pthread_cond_timedwait(&never, &own, &until);
    EXPECT(got == ETIMEDOUT, "pthread_cond_timedwait returned %d", got);
    pthread_mutex_unlock(&own);
    (void)start;
}

static void (*const calls[])(void) = {wait_read, wait_write, wait_poll, wait_epoll, wait_select, wait_futex, wait_condition, wait_semaphore,
                                      sleep_nanosleep, sleep_absolute, sleep_poll, sleep_futex, sleep_condition};
#define CALLS (long)(sizeof calls / sizeof *calls)

static void *block(void *argument)
{
    for (;;) {
        calls[(long)argument]();
        pthread_barrier_wait(&round_gate); /* all came back */
        pthread_barrier_wait(&round_gate); /* next round */
    }
    return 0;
}

static void fill_pipe(void)
{
    static char bytes[65536];
    int flags = fcntl(full[1], F_GETFL);
    fcntl(full[1], F_SETFL, flags | O_NONBLOCK);
    while (write(full[1], bytes, sizeof bytes) > 0) {
    }
    fcntl(full[1], F_SETFL, flags);
}

static void check(void)
{
    static char bytes[65536];
    asked++;
    MUST(write(pipe_for_read[1], "r", 1) == 1 && write(pipe_for_poll[1], "p", 1) == 1 && write(pipe_for_epoll[1], "e", 1) == 1 && write(pipe_for_select[1], "s", 1) == 1);
    for (size_t left = sizeof bytes; left > 0;) {
        ssize_t got = read(full[0], bytes, left);
        MUST(got > 0);
        left -= got;
    }
    __atomic_store_n(&futex_word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &futex_word, FUTEX_WAKE_PRIVATE, 100, 0, 0, 0);
    pthread_mutex_lock(&mutex);
    condition_met = 1;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    sem_post(&semaphore);
    pthread_barrier_wait(&round_gate);
    futex_word = 0;
    condition_met = 0;
    pthread_barrier_wait(&round_gate);
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    MUST(pipe(pipe_for_read) == 0 && pipe(pipe_for_poll) == 0 && pipe(pipe_for_epoll) == 0 && pipe(pipe_for_select) == 0 && pipe(quiet) == 0 && pipe(full) == 0);
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 5};
    MUST(epoll_ctl(poller, EPOLL_CTL_ADD, pipe_for_epoll[0], &event) == 0);
    sem_init(&semaphore, 0, 0);
    fill_pipe();
    pthread_barrier_init(&round_gate, 0, CALLS + 1);
    for (long i = 0; i < CALLS; i++) {
        pthread_t thread;
        MUST(pthread_create(&thread, 0, block, (void *)i) == 0);
    }
    serve(check, 0);
}

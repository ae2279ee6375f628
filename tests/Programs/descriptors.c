/* descriptors CHANNEL DIRECTORY [KIND]...: open descriptors, each checked from inside. Kinds, all of them if none is named: files, shared (one open file
 * under several numbers), pipes, eventfd, epoll, timerfd, signalfd, devices, directory, path (O_PATH), limits (many descriptors, high numbers). By name only:
 * closed (a pipe without a writer). */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include "target.h"

static const char *directory;
static char path_buffer[512];
static const char *in_directory(const char *name)
{
    snprintf(path_buffer, sizeof path_buffer, "%s/%s", directory, name);
    return path_buffer;
}

static void expect_flags(int descriptor, int status, int close_on_exec, const char *what)
{
    EXPECT_EQUAL(status, fcntl(descriptor, F_GETFL) & ~0x8000 /* O_LARGEFILE, which the kernel adds */, what);
    EXPECT_EQUAL(close_on_exec, fcntl(descriptor, F_GETFD), what);
}

/* files */
static int reader, appender, writer, nonblocking;
static void set_up_files(void)
{
    writer = open(in_directory("file"), O_RDWR | O_CREAT | O_TRUNC, 0640);
    MUST(writer >= 0 && write(writer, "0123456789abcdef", 16) == 16 && lseek(writer, 4, SEEK_SET) == 4);
    reader = open(in_directory("file"), O_RDONLY | O_CLOEXEC | O_NOATIME);
    MUST(reader >= 0 && lseek(reader, 10, SEEK_SET) == 10);
    appender = open(in_directory("appended"), O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(appender >= 0 && write(appender, "first", 5) == 5);
    nonblocking = open(in_directory("file"), O_RDONLY | O_NONBLOCK | O_SYNC);
    MUST(nonblocking >= 0);
}

static void check_files(void)
{
    char text[4];
    MUST(reader >= 0);
    EXPECT_EQUAL(10, lseek(reader, 0, SEEK_CUR), "reader's position");
    EXPECT(read(reader, text, 4) == 4 && !memcmp(text, "abcd", 4), "what the reader reads");
    lseek(reader, 10, SEEK_SET);
    EXPECT_EQUAL(4, lseek(writer, 0, SEEK_CUR), "writer's position");
    expect_flags(reader, O_RDONLY | O_NOATIME, FD_CLOEXEC, "reader");
    expect_flags(writer, O_RDWR, 0, "writer");
    expect_flags(appender, O_WRONLY | O_APPEND, FD_CLOEXEC, "appender");
    expect_flags(nonblocking, O_RDONLY | O_NONBLOCK | O_SYNC, 0, "nonblocking");
    EXPECT_EQUAL(5, lseek(appender, 0, SEEK_CUR), "appender's position");
}

/* shared */
static int original, twin, across, stranger;
static void set_up_shared(void)
{
    original = open(in_directory("shared"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(original >= 0 && write(original, "0123456789", 10) == 10);
    twin = dup(original);
    across = fcntl(original, F_DUPFD, 77);
    stranger = open(in_directory("shared"), O_RDWR | O_CLOEXEC);
    MUST(twin >= 0 && across >= 77 && stranger >= 0);
    lseek(original, 3, SEEK_SET);
}

static void check_shared(void)
{
    EXPECT_EQUAL(3, lseek(original, 0, SEEK_CUR), "position");
    EXPECT_EQUAL(3, lseek(twin, 0, SEEK_CUR), "position through the dup");
    EXPECT_EQUAL(0, lseek(stranger, 0, SEEK_CUR), "position of another open");
    lseek(twin, 8, SEEK_SET);
    EXPECT_EQUAL(8, lseek(original, 0, SEEK_CUR), "position moved through the dup");
    EXPECT_EQUAL(8, lseek(across, 0, SEEK_CUR), "position moved, seen by F_DUPFD's");
    EXPECT_EQUAL(0, lseek(stranger, 0, SEEK_CUR), "position of another open after a move");
    MUST(fcntl(twin, F_SETFL, O_APPEND) == 0);
    EXPECT(fcntl(original, F_GETFL) & O_APPEND, "status flags are shared");
    MUST(fcntl(twin, F_SETFL, 0) == 0);
    lseek(twin, 3, SEEK_SET);
    EXPECT_EQUAL(FD_CLOEXEC, fcntl(original, F_GETFD), "close on exec, original");
    EXPECT_EQUAL(0, fcntl(twin, F_GETFD), "close on exec, dup");
}

/* pipes */
static int full[2], empty[2], packets[2], sized;
static void set_up_pipes(void)
{
    MUST(pipe2(full, O_NONBLOCK) == 0 && pipe(empty) == 0 && pipe2(packets, O_DIRECT | O_CLOEXEC) == 0);
    sized = fcntl(full[1], F_SETPIPE_SZ, 1 << 20);
    MUST(sized == 1 << 20);
    unsigned char words[8192];
    for (int i = 0; i < 20; i++) {
        fill_pattern(words, sizeof words, i);
        MUST(write(full[1], words, sizeof words) == sizeof words);
    }
    MUST(write(packets[1], "one", 3) == 3 && write(packets[1], "second", 6) == 6);
}

static void check_pipes(void)
{
    unsigned char words[8192];
    char text[64];
    EXPECT_EQUAL(sized, fcntl(full[0], F_GETPIPE_SZ), "pipe size");
    expect_flags(full[0], O_RDONLY | O_NONBLOCK, 0, "reading end");
    expect_flags(packets[1], O_WRONLY | O_DIRECT, FD_CLOEXEC, "packet pipe");
    int unread = -1;
    MUST(ioctl(full[0], FIONREAD, &unread) == 0);
    EXPECT_EQUAL(20 * 8192, unread, "unread bytes");
    for (int i = 0; i < 20; i++) {
        ssize_t got = read(full[0], words, sizeof words);
        EXPECT(got == sizeof words && find_difference(words, sizeof words, i) < 0, "unread bytes, block %d", i);
        fill_pattern(words, sizeof words, i);
    }
    EXPECT(read(full[0], words, 1) == -1 && errno == EAGAIN, "more bytes than there were");
    for (int i = 0; i < 20; i++) {
        fill_pattern(words, sizeof words, i);
        MUST(write(full[1], words, sizeof words) == sizeof words);
    }
    MUST(write(empty[1], "through", 7) == 7);
    EXPECT(read(empty[0], text, sizeof text) == 7 && !memcmp(text, "through", 7), "a byte through the empty pipe");
    EXPECT(read(packets[0], text, sizeof text) == 3, "first packet");
    EXPECT(read(packets[0], text, sizeof text) == 6, "second packet");
    MUST(write(packets[1], "one", 3) == 3 && write(packets[1], "second", 6) == 6);
}

/* closed: a pipe whose writing end nobody has any more */
static int closed[2];
static void set_up_closed(void)
{
    MUST(pipe(closed) == 0 && write(closed[1], "last words", 10) == 10);
    close(closed[1]);
}

static void check_closed(void)
{
    struct pollfd hangup = {.fd = closed[0], .events = POLLIN};
    MUST(poll(&hangup, 1, 0) == 1);
    EXPECT_EQUAL(POLLIN | POLLHUP, hangup.revents, "pipe whose writer has closed");
    int unread = -1;
    MUST(ioctl(closed[0], FIONREAD, &unread) == 0);
    EXPECT_EQUAL(10, unread, "unread bytes of a closed pipe");
}

/* eventfd */
static int event, semaphore;
static void set_up_eventfd(void)
{
    event = eventfd(0, EFD_NONBLOCK);
    semaphore = eventfd(3, EFD_SEMAPHORE | EFD_CLOEXEC);
    uint64_t count = 0x1234567890;
    MUST(event >= 0 && semaphore >= 0 && write(event, &count, 8) == 8);
}

static void check_eventfd(void)
{
    uint64_t count = 0;
    EXPECT(read(event, &count, 8) == 8 && count == 0x1234567890, "eventfd's count: %llx", (unsigned long long)count);
    EXPECT(read(event, &count, 8) == -1 && errno == EAGAIN, "eventfd after reading");
    count = 0x1234567890;
    MUST(write(event, &count, 8) == 8);
    EXPECT(read(semaphore, &count, 8) == 8 && count == 1, "semaphore's step: %llu", (unsigned long long)count);
    EXPECT(read(semaphore, &count, 8) == 8 && count == 1, "semaphore's second step");
    count = 2;
    MUST(write(semaphore, &count, 8) == 8);
    expect_flags(event, O_RDWR | O_NONBLOCK, 0, "eventfd");
    expect_flags(semaphore, O_RDWR, FD_CLOEXEC, "semaphore eventfd");
}

/* epoll */
static int poller, outer_poller, watched_pipe[2], watched_event, edge_event;
static void set_up_epoll(void)
{
    poller = epoll_create1(EPOLL_CLOEXEC);
    outer_poller = epoll_create1(0);
    MUST(poller >= 0 && outer_poller >= 0 && pipe(watched_pipe) == 0);
    watched_event = eventfd(0, EFD_NONBLOCK);
    edge_event = eventfd(0, EFD_NONBLOCK);
    struct epoll_event on_pipe = {.events = EPOLLIN, .data.u64 = 0x1111222233334444}, on_event = {.events = EPOLLIN | EPOLLRDHUP, .data.u64 = UINT64_MAX - 5},
                       on_edge = {.events = EPOLLIN | EPOLLET, .data.u64 = 7}, on_poller = {.events = EPOLLIN, .data.u64 = 99};
    MUST(epoll_ctl(poller, EPOLL_CTL_ADD, watched_pipe[0], &on_pipe) == 0 && epoll_ctl(poller, EPOLL_CTL_ADD, watched_event, &on_event) == 0);
    MUST(epoll_ctl(poller, EPOLL_CTL_ADD, edge_event, &on_edge) == 0 && epoll_ctl(outer_poller, EPOLL_CTL_ADD, poller, &on_poller) == 0);
}

static void check_epoll(void)
{
    struct epoll_event found[8];
    /* A restored edge-triggered registration of a quiet descriptor has nothing to report. */
    EXPECT_EQUAL(0, epoll_wait(poller, found, 8, 0), "events while nothing happened");
    EXPECT_EQUAL(0, epoll_wait(outer_poller, found, 8, 0), "nested events while nothing happened");
    MUST(write(watched_pipe[1], "x", 1) == 1);
    EXPECT_EQUAL(1, epoll_wait(outer_poller, found, 8, 0), "nested events");
    EXPECT(found[0].data.u64 == 99, "nested data");
    EXPECT_EQUAL(1, epoll_wait(poller, found, 8, 0), "events of the pipe");
    EXPECT(found[0].data.u64 == 0x1111222233334444 && found[0].events == EPOLLIN, "data of the pipe's event");
    char text;
    MUST(read(watched_pipe[0], &text, 1) == 1);
    uint64_t one = 1;
    MUST(write(watched_event, &one, 8) == 8);
    EXPECT_EQUAL(1, epoll_wait(poller, found, 8, 0), "events of the eventfd");
    EXPECT(found[0].data.u64 == UINT64_MAX - 5, "data of the eventfd's event");
    MUST(read(watched_event, &one, 8) == 8);
    MUST(write(edge_event, &one, 8) == 8);
    EXPECT_EQUAL(1, epoll_wait(poller, found, 8, 0), "edge");
    EXPECT_EQUAL(0, epoll_wait(poller, found, 8, 0), "the same edge again");
    MUST(read(edge_event, &one, 8) == 8);
    EXPECT_EQUAL(0, epoll_wait(outer_poller, found, 8, 0), "nested events in the end");
}

/* timerfd */
static int periodic, distant, disarmed, wall;
static void set_up_timerfd(void)
{
    periodic = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    distant = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    disarmed = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK);
    wall = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    MUST(periodic >= 0 && distant >= 0 && disarmed >= 0 && wall >= 0);
    struct itimerspec every = {{0, 20000000}, {0, 20000000}}, once = {{0, 0}, {3600, 0}}, at = {{0, 0}, {4000000000, 0}};
    MUST(timerfd_settime(periodic, 0, &every, 0) == 0 && timerfd_settime(distant, 0, &once, 0) == 0);
    MUST(timerfd_settime(wall, TFD_TIMER_ABSTIME, &at, 0) == 0);
}

static void check_timerfd(void)
{
    struct itimerspec found;
    MUST(timerfd_gettime(periodic, &found) == 0);
    EXPECT(found.it_interval.tv_sec == 0 && found.it_interval.tv_nsec == 20000000, "timerfd's interval");
    uint64_t expirations = 0;
    struct pollfd input = {.fd = periodic, .events = POLLIN};
    EXPECT(poll(&input, 1, 60000) == 1 && read(periodic, &expirations, 8) == 8 && expirations > 0, "the periodic timerfd does not fire");
    MUST(timerfd_gettime(distant, &found) == 0);
    EXPECT(found.it_value.tv_sec > 1800 && found.it_value.tv_sec <= 3600 && found.it_interval.tv_sec == 0, "one-shot timerfd: %lld s left", (long long)found.it_value.tv_sec);
    MUST(timerfd_gettime(disarmed, &found) == 0);
    EXPECT(found.it_value.tv_sec == 0 && found.it_value.tv_nsec == 0, "the disarmed timerfd is armed");
    MUST(timerfd_gettime(wall, &found) == 0);
    EXPECT(found.it_value.tv_sec > 1000000, "the absolute timerfd has %lld s left", (long long)found.it_value.tv_sec);
    expect_flags(distant, O_RDWR, FD_CLOEXEC, "timerfd");
}

/* signalfd */
static int signals;
static void set_up_signalfd(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 5);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, 0);
    signals = signalfd(-1, &set, SFD_NONBLOCK);
    MUST(signals >= 0 && sigqueue(getpid(), SIGRTMIN + 5, (union sigval){.sival_int = 815}) == 0);
}

static void check_signalfd(void)
{
    struct signalfd_siginfo found;
    EXPECT(read(signals, &found, sizeof found) == sizeof found, "no signal in the signalfd");
    EXPECT(found.ssi_signo == (uint32_t)SIGRTMIN + 5 && found.ssi_int == 815, "signal %u with %d", found.ssi_signo, found.ssi_int);
    kill(getpid(), SIGUSR2);
    EXPECT(read(signals, &found, sizeof found) == sizeof found && found.ssi_signo == SIGUSR2, "SIGUSR2 through the signalfd");
    MUST(sigqueue(getpid(), SIGRTMIN + 5, (union sigval){.sival_int = 815}) == 0);
}

/* devices */
static int null_device, zero_device, random_device, full_device;
static void set_up_devices(void)
{
    null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
    zero_device = open("/dev/zero", O_RDONLY);
    random_device = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    full_device = open("/dev/full", O_WRONLY);
    MUST(null_device >= 0 && zero_device >= 0 && random_device >= 0 && full_device >= 0);
}

static void check_devices(void)
{
    char bytes[16] = "not zero";
    EXPECT(read(null_device, bytes, 1) == 0 && write(null_device, bytes, 1) == 1, "/dev/null");
    EXPECT(read(zero_device, bytes, 16) == 16 && bytes[0] == 0, "/dev/zero");
    EXPECT(read(random_device, bytes, 16) == 16, "/dev/urandom");
    EXPECT(write(full_device, bytes, 1) == -1 && errno == ENOSPC, "/dev/full");
}

/* directory */
static int opened_directory;
static void set_up_directory(void)
{
    opened_directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    MUST(opened_directory >= 0);
}

static void check_directory(void)
{
    struct stat one, other;
    MUST(stat(directory, &one) == 0);
    EXPECT(fstat(opened_directory, &other) == 0 && one.st_ino == other.st_ino, "open directory");
    EXPECT(faccessat(opened_directory, ".", R_OK, 0) == 0, "a path relative to the open directory");
}

/* path */
static int located;
static void set_up_path(void)
{
    located = open(directory, O_PATH | O_CLOEXEC);
    MUST(located >= 0);
}

static void check_path(void)
{
    struct stat one, other;
    MUST(stat(directory, &one) == 0);
    EXPECT(fstat(located, &other) == 0 && one.st_ino == other.st_ino, "O_PATH descriptor");
    EXPECT(fcntl(located, F_GETFL) & O_PATH, "O_PATH flag");
}

/* limits */
static int many[300], high;
static void set_up_limits(void)
{
    for (int i = 0; i < 300; i++)
        MUST((many[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    high = fcntl(many[0], F_DUPFD, limit.rlim_cur - 1 > 5000 ? 5000 : limit.rlim_cur - 1);
    MUST(high >= 0);
}

static void check_limits(void)
{
    char byte;
    for (int i = 0; i < 300; i++)
        EXPECT(read(many[i], &byte, 1) == 0, "descriptor %d", many[i]);
    EXPECT(read(high, &byte, 1) == 0, "descriptor %d", high);
    int next = dup(0);
    EXPECT(next > 2 && next < high, "the next free number is %d", next);
    close(next);
}

static struct {
    const char *name;
    void (*set_up)(void), (*check)(void);
    int chosen;
} kinds[] = {
    {"files", set_up_files, check_files, 0},          {"shared", set_up_shared, check_shared, 0},       {"pipes", set_up_pipes, check_pipes, 0},
    {"eventfd", set_up_eventfd, check_eventfd, 0},    {"epoll", set_up_epoll, check_epoll, 0},          {"timerfd", set_up_timerfd, check_timerfd, 0},
    {"signalfd", set_up_signalfd, check_signalfd, 0}, {"devices", set_up_devices, check_devices, 0},    {"directory", set_up_directory, check_directory, 0},
    {"path", set_up_path, check_path, 0},             {"limits", set_up_limits, check_limits, 0},       {"closed", set_up_closed, check_closed, -1},
};
#define KINDS (int)(sizeof kinds / sizeof *kinds)

static void check(void)
{
    for (int i = 0; i < KINDS; i++)
        if (kinds[i].chosen)
            kinds[i].check();
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    MUST(argc > 2);
    directory = argv[2];
    for (int i = 0; i < KINDS; i++) {
        kinds[i].chosen = argc == 3 && kinds[i].chosen == 0;
        for (int k = 3; k < argc; k++)
            kinds[i].chosen |= !strcmp(argv[k], kinds[i].name);
        if (kinds[i].chosen)
            kinds[i].set_up();
    }
    serve(check, 0);
}

/* What every test target shares. One target = one C file named after the kernel feature it holds live.
 *
 *   NAME CHANNEL [ARGUMENTS]
 *
 * CHANNEL is "-" (commands are lines on stdin, answers are lines on stdout) or a directory. With a directory a command is a file DIR/command,
 * taken away once it was read, and each answer is appended to DIR/answers by open, write, close. So between two commands no descriptor leads
 * out of the target, nothing of the channel is part of its state, and a restored target is talked to like the one that was killed.
 *
 * A target sets itself up, says "ready", and then serves:
 *   check   looks at everything it holds, from inside; says "FAIL what, expected, found" per finding, then "ok NAME" or "bad NAME"
 *   exit    ends, with 0 if no check ever failed
 * A check leaves the target as it found it, so it can be asked again. When stdin ends, or the directory is gone, the target ends. */
#ifndef TARGET_H
#define TARGET_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static const char *target_name;
static const char *target_directory; /* null: stdin and stdout */
static char target_command_path[512];
static char target_answer_path[512];
static int target_failures;       /* since the last check, that one included */
static int target_total_failures;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    int out = target_directory ? open(target_answer_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : 1;
    if (out < 0 || write(out, line, length) != length)
        _exit(97);
    if (target_directory)
        close(out);
}

/* A failure that is part of what is checked. */
#define EXPECT(condition, ...)                  \
    do {                                        \
        if (!(condition)) {                     \
            __atomic_add_fetch(&target_failures, 1, __ATOMIC_SEQ_CST); \
            say("FAIL " __VA_ARGS__);           \
        }                                       \
    } while (0)

#define EXPECT_EQUAL(expected, actual, what)                                                        \
    do {                                                                                            \
        long long expected_ = (long long)(expected), actual_ = (long long)(actual);                 \
        EXPECT(expected_ == actual_, "%s: expected %lld (0x%llx), found %lld (0x%llx)", what, expected_, expected_, actual_, actual_); \
    } while (0)

/* A failure of the set-up: the machine can't do it, or the target is wrong. Exit code 77 marks the former. */
#define MUST(condition)                                                                       \
    do {                                                                                      \
        if (!(condition)) {                                                                   \
            say("broken %s:%d: %s: %s", target_name, __LINE__, #condition, strerror(errno));  \
            _exit(98);                                                                        \
        }                                                                                     \
    } while (0)

#define UNAVAILABLE(...)                     \
    do {                                     \
        say("unavailable " __VA_ARGS__);     \
        _exit(77);                           \
    } while (0)

static void target_begin(int argc, char **argv)
{
    target_name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    if (argc < 2) {
        fprintf(stderr, "usage: %s CHANNEL [ARGUMENTS]: see target.h\n", target_name);
        exit(64);
    }
    if (strcmp(argv[1], "-") != 0) {
        target_directory = argv[1];
        snprintf(target_command_path, sizeof target_command_path, "%s/command", target_directory);
        snprintf(target_answer_path, sizeof target_answer_path, "%s/answers", target_directory);
    }
}

static void ready(void)
{
    say("ready");
}

/* True if a command waits. Never blocks. */
static int command_waits(void)
{
    if (!target_directory) {
        struct pollfd input = {.fd = 0, .events = POLLIN};
        return poll(&input, 1, 0) != 0;
    }
    struct stat found;
    if (stat(target_command_path, &found) == 0)
        return 1;
    if (errno == ENOENT && stat(target_directory, &found) != 0)
        _exit(96);
    return 0;
}

/* The next command, without its newline. Ends the target when there can be no more. */
static const char *next_command(void)
{
    static char line[512];
    if (!target_directory) {
        size_t length = 0;
        while (length < sizeof line - 1) {
            ssize_t got = read(0, line + length, 1);
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0)
                _exit(96);
            if (line[length] == '\n')
                break;
            length++;
        }
        line[length] = 0;
        return line;
    }
    while (!command_waits()) {
        struct timespec moment = {0, 1000000};
        nanosleep(&moment, 0);
    }
    int input = open(target_command_path, O_RDONLY | O_CLOEXEC);
    MUST(input >= 0);
    ssize_t length = read(input, line, sizeof line - 1);
    MUST(length >= 0);
    close(input);
    unlink(target_command_path);
    line[length] = 0;
    line[strcspn(line, "\n")] = 0;
    return line;
}

static void run_check(void (*check)(void))
{
    check();
    int failures = __atomic_exchange_n(&target_failures, 0, __ATOMIC_SEQ_CST);
    target_total_failures += failures;
    say("%s %s", failures ? "bad" : "ok", target_name);
}

/* Answers "check" and "exit"; any other command goes to other, if there is one. */
static int serve_command(const char *command, void (*check)(void), int (*other)(const char *))
{
    if (!strcmp(command, "check"))
        run_check(check);
    else if (!strcmp(command, "exit")) {
        say("bye");
        exit(target_total_failures ? 1 : 0);
    } else if (!other || !other(command))
        say("unknown command %s", command);
    return 0;
}

static void serve(void (*check)(void), int (*other)(const char *)) __attribute__((unused));
static void serve(void (*check)(void), int (*other)(const char *))
{
    ready();
    for (;;)
        serve_command(next_command(), check, other);
}

/* The system call that tells, with registers only, whether a command waits: for code that must not leave assembly. */
struct probe {
    long number, argument0, argument1, argument2;
    long wanted; /* its result when a command waits */
};

static struct probe command_probe(void) __attribute__((unused));
static struct probe command_probe(void)
{
    static struct pollfd input = {.fd = 0, .events = POLLIN};
    static struct stat found;
    if (target_directory)
        return (struct probe){SYS_stat, (long)target_command_path, (long)&found, 0, 0};
    return (struct probe){SYS_poll, (long)&input, 1, 0, 1};
}

static uint64_t mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

static void fill_pattern(void *start, size_t length, uint64_t seed) __attribute__((unused));
static void fill_pattern(void *start, size_t length, uint64_t seed)
{
    uint64_t *words = start;
    for (size_t i = 0; i < length / 8; i++)
        words[i] = mix(seed + i);
}

/* The first byte offset that differs from fill_pattern's, or -1. */
static long find_difference(const void *start, size_t length, uint64_t seed) __attribute__((unused));
static long find_difference(const void *start, size_t length, uint64_t seed)
{
    const uint64_t *words = start;
    for (size_t i = 0; i < length / 8; i++)
        if (words[i] != mix(seed + i))
            return (long)(i * 8);
    return -1;
}

static void sleep_ms(long ms) __attribute__((unused));
static void sleep_ms(long ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static long long now_ns(void) __attribute__((unused));
static long long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* The calling thread's line of /proc/thread-self/status that starts with name, or "". */
static const char *status_line(const char *name) __attribute__((unused));
static const char *status_line(const char *name)
{
    static __thread char text[8192];
    int file = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof text - 1);
    close(file);
    text[length < 0 ? 0 : length] = 0;
    char *found = strstr(text, name);
    if (!found)
        return "";
    char *end = strchr(found, '\n');
    if (end)
        *end = 0;
    return found;
}
#endif

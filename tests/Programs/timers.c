/* timers CHANNEL: interval timers of all three clocks, and POSIX timers: with a value, to a thread, silent, disarmed, with gaps in their ids. */
#include <pthread.h>
#include <sys/time.h>
#include "target.h"

static timer_t ticking, distant, silent, disarmed, to_thread, deleted;
static volatile long ticks, alarms, thread_ticks;
static volatile int wrong_values;
static volatile pid_t thread_tid;

static void on_tick(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (info->si_code != SI_TIMER || info->si_value.sival_int != 31337)
        wrong_values++;
    ticks++;
}

static void on_thread_tick(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (gettid() != thread_tid || info->si_value.sival_int != 4)
        wrong_values++;
    thread_ticks++;
}

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

static void *receive(void *argument)
{
    thread_tid = gettid();
    for (;;)
        pause();
    return argument;
}

static timer_t create(clockid_t clock, int notify, int signal_number, int value)
{
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = signal_number, .sigev_value.sival_int = value};
    event._sigev_un._tid = thread_tid;
    timer_t made;
    MUST(timer_create(clock, &event, &made) == 0);
    return made;
}

static void arm(timer_t timer, long seconds, long ns, long interval_ns)
{
    struct itimerspec value = {{0, interval_ns}, {seconds, ns}};
    MUST(timer_settime(timer, 0, &value, 0) == 0);
}

static void wait_for_more(volatile long *count, const char *what)
{
    long before = *count;
    for (int i = 0; i < 60000 && *count < before + 3; i++)
        sleep_ms(1);
    EXPECT(*count >= before + 3, "%s does not fire", what);
}

static void expect_left(timer_t timer, long at_least, long at_most, const char *what)
{
    struct itimerspec found;
    int result = timer_gettime(timer, &found);
    EXPECT(result == 0, "%s: timer_gettime: %s", what, strerror(errno));
    if (result == 0)
        EXPECT(found.it_value.tv_sec >= at_least && found.it_value.tv_sec <= at_most, "%s: %ld s left", what, (long)found.it_value.tv_sec);
}

static void check(void)
{
    wait_for_more(&ticks, "the POSIX timer");
    wait_for_more(&thread_ticks, "the POSIX timer to a thread");
    wait_for_more(&alarms, "the interval timer");
    EXPECT_EQUAL(0, wrong_values, "signals with a wrong value, code or thread");
    expect_left(distant, 1800, 3600, "distant timer");
    expect_left(silent, 3000, 7200, "silent timer");
    expect_left(disarmed, 0, 0, "disarmed timer");
    struct itimerspec nothing;
    EXPECT(timer_gettime(deleted, &nothing) == -1 && errno == EINVAL, "the deleted timer is back");
    struct itimerval found;
    getitimer(ITIMER_VIRTUAL, &found);
    EXPECT(found.it_value.tv_sec > 5000 && found.it_value.tv_sec <= 10000 && found.it_interval.tv_sec == 7, "ITIMER_VIRTUAL: %ld s left", (long)found.it_value.tv_sec);
    getitimer(ITIMER_PROF, &found);
    EXPECT(found.it_value.tv_sec > 5000 && found.it_value.tv_sec <= 20000, "ITIMER_PROF: %ld s left", (long)found.it_value.tv_sec);
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    struct sigaction tick = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART}, thread_tick = {.sa_sigaction = on_thread_tick, .sa_flags = SA_SIGINFO | SA_RESTART},
                     alarm_action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    MUST(sigaction(SIGRTMIN + 1, &tick, 0) == 0 && sigaction(SIGRTMIN + 2, &thread_tick, 0) == 0 && sigaction(SIGALRM, &alarm_action, 0) == 0);
    pthread_t thread;
    MUST(pthread_create(&thread, 0, receive, 0) == 0);
    while (!thread_tid)
        sleep_ms(1);
    ticking = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 1, 31337);
    deleted = create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0); /* leaves a gap in the ids */
    distant = create(CLOCK_REALTIME, SIGEV_SIGNAL, SIGRTMIN + 1, 31337);
    silent = create(CLOCK_BOOTTIME, SIGEV_NONE, 0, 0);
    disarmed = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 1, 31337);
    to_thread = create(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGRTMIN + 2, 4);
    MUST(timer_delete(deleted) == 0);
    arm(ticking, 0, 5000000, 5000000);
    arm(distant, 3600, 0, 0);
    arm(silent, 7200, 0, 0);
    arm(to_thread, 0, 7000000, 7000000);
    struct itimerval real = {{0, 10000}, {0, 10000}}, cpu = {{7, 0}, {10000, 0}}, both = {{0, 0}, {20000, 0}};
    MUST(setitimer(ITIMER_REAL, &real, 0) == 0 && setitimer(ITIMER_VIRTUAL, &cpu, 0) == 0 && setitimer(ITIMER_PROF, &both, 0) == 0);
    serve(check, 0);
}

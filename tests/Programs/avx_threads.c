/* avx_threads CHANNEL [THREADS]: as avx_state, in many threads, each with registers of its own. The probe of each is a futex-free look at a shared counter:
 * getpriority(PRIO_PROCESS, 0) answers 20 - nice, and the command thread changes a thread's nice value to let it go. */
#include <pthread.h>
#include <stddef.h>
#include <sys/resource.h>
#include "vector_state.h"

#define MAX_THREADS 256
static int threads;
static pthread_barrier_t rounds;
static volatile pid_t tids[MAX_THREADS];

static void *hold(void *argument)
{
    long number = (long)argument;
    tids[number] = gettid();
    pthread_barrier_wait(&rounds);
    for (uint64_t round = 0;; round++) {
        /* getpriority's raw result is 20 - nice: even rounds wait for nice 5, odd ones for nice 3. */
        struct probe probe = {SYS_getpriority, PRIO_PROCESS, 0, 0, round % 2 ? 20 - 3 : 20 - 5};
        hold_and_compare((uint64_t)number * 1000003 + round, probe, 20000);
        pthread_barrier_wait(&rounds);
        pthread_barrier_wait(&rounds);
    }
    return 0;
}

static uint64_t round_number;
static void check(void)
{
    for (int i = 0; i < threads; i++)
        MUST(setpriority(PRIO_PROCESS, tids[i], round_number % 2 ? 3 : 5) == 0);
    pthread_barrier_wait(&rounds); /* all have compared */
    round_number++;
    pthread_barrier_wait(&rounds); /* all hold anew */
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    threads = argc > 2 ? atoi(argv[2]) : 16;
    MUST(threads > 0 && threads <= MAX_THREADS);
    if (geteuid() != 0)
        UNAVAILABLE("raising a priority needs CAP_SYS_NICE");
    pthread_barrier_init(&rounds, 0, threads + 1);
    for (long i = 0; i < threads; i++) {
        pthread_t thread;
        MUST(pthread_create(&thread, 0, hold, (void *)i) == 0);
    }
    pthread_barrier_wait(&rounds);
    serve(check, 0);
}

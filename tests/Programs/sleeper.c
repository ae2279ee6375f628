/* sleeper CHANNEL [THREADS]: threads asleep in pause(2) with all signals blocked; nothing moves, so a fingerprint taken before and after a checkpoint is
 * the same to the last byte. */
#include <pthread.h>
#include "target.h"

static pthread_barrier_t set_up;

static void *sleep_for_ever(void *argument)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, 0);
    pthread_barrier_wait(&set_up);
    for (;;)
        pause();
    return argument;
}

static void check(void)
{
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    int threads = argc > 2 ? atoi(argv[2]) : 0;
    pthread_barrier_init(&set_up, 0, threads + 1);
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 64 * 1024);
        MUST(pthread_create(&thread, &attributes, sleep_for_ever, 0) == 0);
    }
    pthread_barrier_wait(&set_up); /* a thread that is just starting has another mask */
    serve(check, 0);
}

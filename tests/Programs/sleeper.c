/* sleeper CHANNEL [THREADS]: threads asleep in pause(2) with all signals blocked; nothing moves, so a fingerprint taken before and after a checkpoint is
 * the same to the last byte. */
#include <pthread.h>
#include "target.h"

static void *sleep_for_ever(void *argument)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, 0);
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
    for (int i = argc > 2 ? atoi(argv[2]) : 0; i > 0; i--) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 64 * 1024);
        MUST(pthread_create(&thread, &attributes, sleep_for_ever, 0) == 0);
    }
    serve(check, 0);
}

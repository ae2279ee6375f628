/* thread_churn CHANNEL [MAKERS]: threads that live for microseconds, made by several others without a pause: a freeze has to catch them all. A check says
 * how many there were ("made N"), and that nobody was lost. */
#include <pthread.h>
#include "target.h"

static long made, done, failures;

static void *visit(void *argument)
{
    __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
    return argument;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static void *make(void *argument)
{
    for (;;) {
        pthread_mutex_lock(&gate);
        pthread_mutex_unlock(&gate);
        pthread_t visitors[4];
        for (int i = 0; i < 4; i++) {
            __atomic_add_fetch(&made, 1, __ATOMIC_SEQ_CST);
            if (pthread_create(&visitors[i], 0, visit, (void *)(intptr_t)(i + 1)) != 0)
                abort();
        }
        for (int i = 0; i < 4; i++) {
            void *result;
            pthread_join(visitors[i], &result);
            if (result != (void *)(intptr_t)(i + 1))
                __atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
        }
    }
    return argument;
}

static void check(void)
{
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 10000 && __atomic_load_n(&made, __ATOMIC_SEQ_CST) != __atomic_load_n(&done, __ATOMIC_SEQ_CST); i++)
        sleep_ms(1);
    EXPECT_EQUAL(made, done, "threads made and done");
    EXPECT_EQUAL(0, failures, "wrong join results");
    say("made %ld", made);
    pthread_mutex_unlock(&gate);
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    int makers = argc > 2 ? atoi(argv[2]) : 2;
    for (int i = 0; i < makers; i++) {
        pthread_t thread;
        MUST(pthread_create(&thread, 0, make, 0) == 0);
    }
    serve(check, 0);
}

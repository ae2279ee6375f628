/* rseq CHANNEL: restartable sequences, as glibc registers them for each thread. */
#include <pthread.h>
#include <sched.h>
#include <sys/rseq.h>
#include "target.h"

static pthread_barrier_t gate;
static struct rseq *area(void)
{
    return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static void check_here(const char *whose)
{
    int before = sched_getcpu(), cpu = (int)__atomic_load_n(&area()->cpu_id, __ATOMIC_RELAXED), after = sched_getcpu();
    EXPECT(before != after || cpu == before, "%s: rseq says CPU %d, the kernel %d", whose, cpu, before);
    /* Registering the same area again says EBUSY if it is registered, and works if it is not. The length is the kernel's view of glibc's. */
    unsigned length = __rseq_size < 32 ? 32 : __rseq_size;
    long again = syscall(SYS_rseq, area(), length, 0, RSEQ_SIG);
    EXPECT(again == -1 && errno == EBUSY, "%s: rseq was not registered any more (%ld, %s)", whose, again, strerror(errno));
}

static void *second(void *argument)
{
    for (;;) {
        pthread_barrier_wait(&gate);
        check_here("second thread");
        pthread_barrier_wait(&gate);
    }
    return argument;
}

static void check(void)
{
    check_here("main thread");
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    if (__rseq_size == 0)
        UNAVAILABLE("glibc registered no rseq");
    pthread_barrier_init(&gate, 0, 2);
    pthread_t thread;
    MUST(pthread_create(&thread, 0, second, 0) == 0);
    serve(check, 0);
}

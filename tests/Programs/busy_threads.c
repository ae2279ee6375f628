// Threads that look at themselves all the time: each counts in registers and memory, and checks its id and its own signal mask; half of them
// sleep in between. One whose registers or mask were mixed up ends the process: 3 registers, 4 mask.
//   busy_threads THREADS
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static void *work(void *argument)
{
    uint64_t number = (uint64_t)argument, sum = 0;
    sigset_t own, now;
    sigemptyset(&own);
    sigaddset(&own, SIGRTMIN + (int)(number % 20));
    pthread_sigmask(SIG_SETMASK, &own, NULL);
    pid_t tid = (pid_t)syscall(SYS_gettid);
    for (uint64_t i = 1;; i++) {
        register uint64_t a = number, b = number ^ i;
        for (int k = 0; k < 1000; k++)
            __asm__ volatile("add %1, %0\n\tsub %1, %0" : "+r"(a) : "r"(b));
        sum += a;
        if (a != number || sum != number * i || (pid_t)syscall(SYS_gettid) != tid)
            _exit(3);
        pthread_sigmask(SIG_SETMASK, NULL, &now);
        for (int s = 1; s < 64; s++)
            if (s != 32 && s != 33 && sigismember(&own, s) != sigismember(&now, s))
                _exit(4);
        if (number % 2)
            nanosleep(&(struct timespec){0, 200000}, NULL);
    }
    return NULL;
}
int main(int argc, char **argv)
{
    long threads = argc > 1 ? atol(argv[1]) : 8;
    for (long i = 1; i < threads; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, work, (void *)i);
    }
    work((void *)threads);
}

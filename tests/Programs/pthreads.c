/* pthreads CHANNEL [WORKERS]: mutexes, condition variables, read-write locks, semaphores, thread-local variables, names, threads that come and go all the
 * time, one that is to be joined after a restore (the kernel must clear its tid), and a robust mutex whose owner dies holding it. */
#include <pthread.h>
#include <semaphore.h>
#include "target.h"

#define ACCOUNTS 64
#define MAX_WORKERS 64
static int workers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t outer = PTHREAD_RWLOCK_INITIALIZER;
static long accounts[ACCOUNTS], transfers, spawned, finished;
static int asked_to_park, parked;
static __thread uint64_t own;
static volatile int tls_failures;

static pthread_mutex_t robust;
static pthread_t robust_owner;
static sem_t owner_may_die, owner_holds;

static void *short_lived(void *argument)
{
    own = (uint64_t)argument * 3;
    pthread_setname_np(pthread_self(), "short");
    pthread_mutex_lock(&lock);
    finished++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return (void *)(own / 3 + 1);
}

static void *work(void *argument)
{
    long number = (long)argument;
    char name[16], found[16];
    snprintf(name, sizeof name, "worker-%ld", number);
    pthread_setname_np(pthread_self(), name);
    uint64_t state = own = 77 + number;
    for (;;) {
        state = mix(state);
        pthread_rwlock_rdlock(&outer);
        pthread_mutex_lock(&lock);
        long amount = (long)(state % 100);
        accounts[state % ACCOUNTS] -= amount;
        accounts[(state >> 20) % ACCOUNTS] += amount;
        transfers++;
        pthread_mutex_unlock(&lock);
        pthread_rwlock_unlock(&outer);
        if (own != 77 + (uint64_t)number)
            tls_failures++;
        if (state % 64 == 0) {
            pthread_t visitor;
            pthread_mutex_lock(&lock);
            spawned++;
            pthread_mutex_unlock(&lock);
            if (pthread_create(&visitor, 0, short_lived, (void *)(state % 1000)) == 0) {
                void *result;
                pthread_join(visitor, &result);
                if ((uint64_t)result != state % 1000 + 1)
                    tls_failures++;
            } else
                tls_failures++;
        }
        pthread_mutex_lock(&lock);
        while (asked_to_park) {
            parked++;
            pthread_cond_broadcast(&changed);
            while (asked_to_park)
                pthread_cond_wait(&changed, &lock);
            parked--;
            pthread_cond_broadcast(&changed);
        }
        pthread_mutex_unlock(&lock);
        pthread_getname_np(pthread_self(), found, sizeof found);
        if (strcmp(name, found))
            tls_failures++;
        if (state % 16 == 0)
            usleep(state % 200);
    }
    return 0;
}

static void *own_robust_and_die(void *argument)
{
    pthread_mutex_lock(&robust);
    sem_post(&owner_holds);
    while (sem_wait(&owner_may_die) != 0) {
    }
    return argument;
}

static void hand_robust_out(void)
{
    MUST(pthread_create(&robust_owner, 0, own_robust_and_die, &robust) == 0);
    while (sem_wait(&owner_holds) != 0) {
    }
}

static void check(void)
{
    pthread_mutex_lock(&lock);
    asked_to_park = 1;
    while (parked < workers)
        pthread_cond_wait(&changed, &lock);
    long sum = 0;
    for (int i = 0; i < ACCOUNTS; i++)
        sum += accounts[i];
    EXPECT_EQUAL(ACCOUNTS * 1000, sum, "sum of the accounts");
    EXPECT_EQUAL(spawned, finished, "threads that came and went");
    EXPECT_EQUAL(0, tls_failures, "thread-local or name mismatches");
    long before = transfers;
    asked_to_park = 0;
    pthread_cond_broadcast(&changed);
    while (parked > 0)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    EXPECT_EQUAL(0, pthread_rwlock_wrlock(&outer), "write lock");
    pthread_rwlock_unlock(&outer);

    EXPECT_EQUAL(EBUSY, pthread_mutex_trylock(&robust), "robust mutex while its owner lives");
    sem_post(&owner_may_die);
    void *result = 0;
    EXPECT_EQUAL(0, pthread_join(robust_owner, &result), "join");
    EXPECT(result == &robust, "value of the joined thread");
    EXPECT_EQUAL(EOWNERDEAD, pthread_mutex_lock(&robust), "robust mutex after its owner's death");
    pthread_mutex_consistent(&robust);
    pthread_mutex_unlock(&robust);
    hand_robust_out();

    for (long now = before; now == before;) { /* they all go on */
        usleep(1000);
        pthread_mutex_lock(&lock);
        now = transfers;
        pthread_mutex_unlock(&lock);
    }
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    workers = argc > 2 ? atoi(argv[2]) : 4;
    MUST(workers > 0 && workers <= MAX_WORKERS);
    for (int i = 0; i < ACCOUNTS; i++)
        accounts[i] = 1000;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&robust, &attributes);
    sem_init(&owner_may_die, 0, 0);
    sem_init(&owner_holds, 0, 0);
    hand_robust_out();
    for (long i = 0; i < workers; i++) {
        pthread_t thread;
        MUST(pthread_create(&thread, 0, work, (void *)i) == 0);
    }
    serve(check, 0);
}

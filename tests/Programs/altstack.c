/* altstack CHANNEL [inside]: alternate signal stacks of two threads. With "inside" the main thread serves its commands from within a handler that runs on
 * its alternate stack, so that the kernel's signal frame (registers, vectors, mask) is live memory of the target, and is returned through in the end. */
#include <pthread.h>
#include "target.h"

#define STACK_BYTES (256 * 1024)
static stack_t main_stack, thread_stack;
static volatile uintptr_t handler_address;
static volatile int inside, handled;
static pthread_t other_thread;
static pthread_barrier_t gate;

static void serve_inside(void);
static void on_signal(int number, siginfo_t *info, void *context)
{
    int here;
    (void)info;
    (void)context;
    handler_address = (uintptr_t)&here;
    handled = number;
    if (inside && number == SIGUSR2)
        serve_inside();
}

static int within(uintptr_t address, const stack_t *stack)
{
    return address >= (uintptr_t)stack->ss_sp && address < (uintptr_t)stack->ss_sp + stack->ss_size;
}

static void check_stack(const stack_t *expected, int flags, const char *whose)
{
    stack_t found;
    MUST(sigaltstack(0, &found) == 0);
    EXPECT(found.ss_sp == expected->ss_sp, "%s: altstack at %p, expected %p", whose, found.ss_sp, expected->ss_sp);
    EXPECT_EQUAL(expected->ss_size, found.ss_size, whose);
    EXPECT_EQUAL(flags, found.ss_flags, whose);
}

static void *second(void *argument)
{
    (void)argument;
    MUST(sigaltstack(&thread_stack, 0) == 0);
    pthread_barrier_wait(&gate); /* set up */
    for (;;) {
        pthread_barrier_wait(&gate); /* asked to check */
        check_stack(&thread_stack, 0, "second thread");
        raise(SIGUSR1);
        EXPECT(within(handler_address, &thread_stack), "second thread's handler ran at %lx, not on its altstack", (long)handler_address);
        pthread_barrier_wait(&gate); /* done */
    }
    return 0;
}

static void check(void)
{
    check_stack(&main_stack, inside ? SS_ONSTACK : 0, "main thread");
    handled = 0;
    raise(SIGUSR1);
    EXPECT_EQUAL(SIGUSR1, handled, "signal handled");
    EXPECT(within(handler_address, &main_stack), "main thread's handler ran at %lx, not on its altstack", (long)handler_address);
    pthread_barrier_wait(&gate); /* ask the second thread */
    pthread_barrier_wait(&gate); /* it has checked */
}

static int leave(const char *command)
{
    return !strcmp(command, "return");
}

static void serve_inside(void)
{
    ready();
    for (;;) {
        const char *command = next_command();
        if (leave(command))
            return;
        serve_command(command, check, 0);
    }
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    main_stack = (stack_t){.ss_sp = malloc(STACK_BYTES), .ss_size = STACK_BYTES};
    thread_stack = (stack_t){.ss_sp = malloc(STACK_BYTES), .ss_size = STACK_BYTES};
    MUST(sigaltstack(&main_stack, 0) == 0);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    MUST(sigaction(SIGUSR1, &action, 0) == 0 && sigaction(SIGUSR2, &action, 0) == 0);
    pthread_barrier_init(&gate, 0, 2);
    MUST(pthread_create(&other_thread, 0, second, 0) == 0);
    pthread_barrier_wait(&gate);
    if (argc > 2 && !strcmp(argv[2], "inside")) {
        inside = 1;
        double before = 1.0 / (double)argc;
        raise(SIGUSR2); /* serves in the handler until told to return */
        inside = 0;
        target_failures = 0;
        EXPECT(before == 1.0 / (double)argc, "a double across the handler");
        check_stack(&main_stack, 0, "after the handler returned");
        say("%s returned", target_failures ? "bad" : "ok");
        exit(target_failures || target_total_failures ? 1 : 0);
    }
    serve(check, 0);
}

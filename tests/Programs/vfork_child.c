/* vfork_child CHANNEL: a thread stuck in vfork(2): it sleeps uninterruptibly until its child, which lives on its memory, execs or ends. A freeze has to give
 * up at its deadline and leave everything running. The command "release" lets the child go; then it is an ordinary process. */
#include <pthread.h>
#include <sys/wait.h>
#include "target.h"

static int gate[2];
static volatile pid_t child;
static volatile int returned;

static void *fork_and_wait(void *argument)
{
    pid_t made = vfork();
    if (made == 0) {
        char byte;
        child = syscall(SYS_getpid);
        close(gate[1]); /* the descriptor table is a copy, the memory is not */
        while (read(gate[0], &byte, 1) < 0) {
        }
        _exit(0);
    }
    int status;
    waitpid(made, &status, 0);
    returned = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 1 : 2;
    return argument;
}

static void check(void)
{
    EXPECT(returned != 2, "the child ended badly");
}

static int other(const char *command)
{
    if (strcmp(command, "release"))
        return 0;
    if (!returned)
        MUST(write(gate[1], "x", 1) == 1);
    while (!returned)
        sleep_ms(1);
    say("release");
    return 1;
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    MUST(pipe(gate) == 0);
    pthread_t thread;
    MUST(pthread_create(&thread, 0, fork_and_wait, 0) == 0);
    while (!child)
        sleep_ms(1);
    serve(check, other);
}

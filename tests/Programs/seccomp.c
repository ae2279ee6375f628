/* seccomp CHANNEL strict|filter: a thread under seccomp. strict: one that may only read, write and exit, and is killed for anything else, so one injected
 * call without leave ends the process's thread. filter: all threads under a filter that allows everything but a few calls. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include "target.h"

static int to_strict[2], from_strict[2];
static int strict;

static void *echo(void *argument)
{
    MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
    for (;;) {
        char byte;
        if (syscall(SYS_read, to_strict[0], &byte, 1) != 1)
            syscall(SYS_exit, 0);
        byte++;
        syscall(SYS_write, from_strict[1], &byte, 1);
    }
    return argument;
}

static void check(void)
{
    if (!strict) {
        EXPECT(prctl(PR_GET_SECCOMP) == 2, "no filter any more");
        EXPECT(syscall(SYS_mkdir, "/nonexistent/x", 0) == -1 && errno == ENOTSUP, "the filter lets mkdir pass");
        return;
    }
    char byte = 'a';
    MUST(write(to_strict[1], &byte, 1) == 1);
    struct pollfd answer = {.fd = from_strict[0], .events = POLLIN};
    EXPECT(poll(&answer, 1, 60000) == 1 && read(from_strict[0], &byte, 1) == 1 && byte == 'b', "the strict thread does not answer");
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    strict = argc > 2 && !strcmp(argv[2], "strict");
    if (strict) {
        MUST(pipe(to_strict) == 0 && pipe(from_strict) == 0);
        pthread_t thread;
        MUST(pthread_create(&thread, 0, echo, 0) == 0);
        check(); /* an answer means that the thread is under seccomp by now */
    } else {
        struct sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTSUP),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {sizeof code / sizeof *code, code};
        MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    }
    serve(check, 0);
}

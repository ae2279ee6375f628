/* children CHANNEL live|zombie: a process with a child; it lives, or has ended and was not waited for. */
#include <sys/prctl.h>
#include <sys/wait.h>
#include "target.h"

static pid_t child;
static int zombie;

static void check(void)
{
    siginfo_t info = {0};
    MUST(waitid(P_PID, child, &info, WEXITED | WNOWAIT | (zombie ? 0 : WNOHANG)) == 0);
    if (zombie)
        EXPECT(info.si_pid == child && info.si_status == 7, "the zombie's status is %d", info.si_status);
    else
        EXPECT(info.si_pid == 0 && kill(child, 0) == 0, "the child is gone");
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    zombie = argc > 2 && !strcmp(argv[2], "zombie");
    child = fork();
    MUST(child >= 0);
    if (child == 0) {
        if (zombie)
            _exit(7);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    if (zombie) {
        siginfo_t info;
        MUST(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
    }
    serve(check, 0);
}

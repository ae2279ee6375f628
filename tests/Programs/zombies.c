/* zombies CHANNEL: a process with children that ended each in another way and were not waited for, and one that lives, in a session and groups of their own.
 *
 * The root leads a session. One group in it is led by a zombie, another has lost its first process altogether; the living child is in the latter. The root
 * counts SIGCHLD: nobody may tell it a second time. What ended by an exit tells its code, the others their signal. */
#include <sys/prctl.h>
#include <sys/wait.h>
#include "target.h"

static struct {
    int code, status; /* as waitid tells them */
    int group;        /* 0: the root's; 1: its own; 2: the one whose first process is gone */
    pid_t pid;
} ended[] = {
    {CLD_EXITED, 7, 0, 0}, {CLD_EXITED, 0, 1, 0}, {CLD_KILLED, SIGTERM, 0, 0}, {CLD_KILLED, SIGKILL, 2, 0}, {CLD_KILLED, 37, 0, 0},
};
#define ENDED (int)(sizeof ended / sizeof ended[0])

static volatile int told;
static pid_t lost_group, living;

static void on_child(int signal)
{
    (void)signal;
    told++;
}

static void check(void)
{
    for (int i = 0; i < ENDED; i++) {
        siginfo_t info = {0};
        MUST(waitid(P_PID, ended[i].pid, &info, WEXITED | WNOWAIT) == 0);
        EXPECT_EQUAL(ended[i].code, info.si_code, "how a child ended");
        EXPECT_EQUAL(ended[i].status, info.si_status, "exit code or signal");
        EXPECT_EQUAL(ended[i].group == 0 ? getpid() : ended[i].group == 1 ? ended[i].pid : lost_group, getpgid(ended[i].pid), "group of a zombie");
    }
    EXPECT_EQUAL(ENDED + 1, told, "signals of children");
    EXPECT_EQUAL(getpid(), getsid(0), "session");
    EXPECT_EQUAL(lost_group, getpgid(living), "group of the living child");
    EXPECT_EQUAL(-1, kill(lost_group, 0), "a signal to the process whose group it was");
    EXPECT_EQUAL(0, kill(-lost_group, 0), "a signal to the group");
    siginfo_t info = {0};
    EXPECT_EQUAL(0, waitid(P_PID, living, &info, WEXITED | WNOHANG), "waitid of the living child");
    EXPECT_EQUAL(0, info.si_pid, "the living child has ended");
}

static void wait_for_end(pid_t pid, int options)
{
    siginfo_t info;
    while (waitid(P_PID, pid, &info, WEXITED | options) != 0)
        MUST(errno == EINTR);
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    setsid();
    MUST(getsid(0) == getpid());
    struct sigaction action = {.sa_handler = on_child};
    MUST(sigaction(SIGCHLD, &action, 0) == 0);
    lost_group = fork();
    MUST(lost_group >= 0);
    if (lost_group == 0)
        for (;;)
            pause();
    MUST(setpgid(lost_group, lost_group) == 0);
    living = fork();
    MUST(living >= 0);
    if (living == 0) {
        signal(SIGCHLD, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    MUST(setpgid(living, lost_group) == 0);
    for (int i = 0; i < ENDED; i++) {
        ended[i].pid = fork();
        MUST(ended[i].pid >= 0);
        if (ended[i].pid == 0)
            for (;;)
                pause();
        MUST(setpgid(ended[i].pid, ended[i].group == 0 ? getpid() : ended[i].group == 1 ? ended[i].pid : lost_group) == 0);
    }
    /* Signals that come at once are told once: one after the other. */
    kill(lost_group, SIGKILL);
    wait_for_end(lost_group, 0);
    while (told < 1)
        sleep_ms(1);
    for (int i = 0; i < ENDED; i++) {
        if (ended[i].code == CLD_KILLED)
            kill(ended[i].pid, ended[i].status);
        else {
            /* It is in pause: made anew, to end by itself. */
            int group = getpgid(ended[i].pid), code = ended[i].status;
            signal(SIGCHLD, SIG_DFL);
            kill(ended[i].pid, SIGKILL);
            wait_for_end(ended[i].pid, 0);
            MUST(sigaction(SIGCHLD, &action, 0) == 0);
            pid_t pid = fork();
            MUST(pid >= 0);
            if (pid == 0) {
                setpgid(0, ended[i].group == 0 ? group : ended[i].group == 1 ? 0 : lost_group);
                _exit(code);
            }
            ended[i].pid = pid;
        }
        wait_for_end(ended[i].pid, WNOWAIT);
        while (told < i + 2)
            sleep_ms(1);
    }
    serve(check, 0);
}

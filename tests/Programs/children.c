/* children CHANNEL live|zombie|churn: a process with a child; it lives, or has ended and was not waited for, or it makes large children that live for a
 * moment, one after the other and two at once, each of which compares its memory before it ends. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "target.h"

#define CHURN_BYTES (24ul << 20)

static pid_t child;
static int zombie;
static volatile uint64_t *churned, *wrong; /* shared with the child */

/* A moment in the life of a child's child: its memory is its own, and nobody else's. */
static void live_a_moment(uint64_t seed)
{
    unsigned char *memory = mmap(0, CHURN_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fill_pattern(memory, CHURN_BYTES, seed);
    sleep_ms(20);
    _exit(find_difference(memory, CHURN_BYTES, seed) < 0 ? 0 : 1);
}

static void churn(void)
{
    for (uint64_t seed = 0;; seed += 2) {
        for (int i = 0; i < 2; i++) {
            pid_t pid = fork();
            if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                live_a_moment(seed + i);
            }
            *wrong += pid < 0;
        }
        for (int i = 0; i < 2; i++) {
            int status = -1;
            *wrong += wait(&status) < 0 || status != 0;
        }
        ++*churned;
    }
}

static void check_churn(void)
{
    uint64_t before = *churned;
    for (int i = 0; i < 10000 && *churned < before + 2; i++)
        sleep_ms(1);
    EXPECT(*churned >= before + 2, "no children are made any more");
    EXPECT_EQUAL(0, *wrong, "children that found their memory changed, or were not found at all");
}

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
    int churns = argc > 2 && !strcmp(argv[2], "churn");
    churned = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    wrong = churned + 1;
    child = fork();
    MUST(child >= 0);
    if (child == 0) {
        if (zombie)
            _exit(7);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (churns)
            churn();
        for (;;)
            pause();
    }
    if (zombie) {
        siginfo_t info;
        MUST(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
    }
    serve(churns ? check_churn : check, 0);
}

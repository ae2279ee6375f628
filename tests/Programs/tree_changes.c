/* tree_changes CHANNEL: a process that makes, ends and changes children when told, so that a test can do so between two steps of a checkpoint.
 *
 *   fork KIB    a child with as much memory of its own, which it compares all the time
 *   exec        the last child calls exec, and goes on with other memory
 *   end         the last child ends with 7, and is not waited for
 *   reap        the last child ends, and is waited for
 *   orphan      a child's child that has lost its parent, and holds the writing end of our pipe
 *   free        ends the orphan
 * A check asks every child whether all is well with it. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "target.h"

#define MAX_CHILDREN 16

struct child {
    volatile uint64_t rounds, errors, kib, executed;
    volatile int pid, ended;
};

static struct child *children;
static int count, memfd, pipe_ends[2];
static pid_t orphan;

static void live(int number)
{
    struct child *own = &children[number];
    size_t length = own->kib << 10;
    unsigned char *memory = mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fill_pattern(memory, length, number);
    pid_t parent = getppid();
    for (;;) {
        if (find_difference(memory, length, number) >= 0 || own->pid != getpid() || getppid() != parent)
            own->errors++;
        own->rounds++;
        sleep_ms(1 + (long)(own->kib >> 10));
        if (own->executed == 1) {
            char path[64], text[16], file[16];
            snprintf(path, sizeof path, "/proc/self/exe");
            snprintf(text, sizeof text, "%d", number);
            snprintf(file, sizeof file, "%d", memfd);
            own->executed = 2;
            execl(path, "tree_changes", "-", "child", text, file, (char *)0);
            own->errors += 1000;
        }
    }
}

static void await_round(int number, uint64_t more)
{
    uint64_t before = children[number].rounds;
    for (int i = 0; i < 20000 && children[number].rounds < before + more; i++)
        sleep_ms(1);
    EXPECT(children[number].rounds >= before + more, "child %d stands still", number);
}

static void check(void)
{
    for (int i = 0; i < count; i++) {
        siginfo_t info = {0};
        if (children[i].ended == 2)
            continue;
        EXPECT_EQUAL(0, waitid(P_PID, children[i].pid, &info, WEXITED | WNOWAIT | WNOHANG), "waitid of a child");
        if (children[i].ended) {
            EXPECT_EQUAL(children[i].pid, info.si_pid, "the child that has ended");
            EXPECT_EQUAL(7, info.si_status, "how it ended");
            continue;
        }
        if (info.si_pid != 0) {
            EXPECT(0, "child %d has ended: %d", i, info.si_status);
            continue;
        }
        /* One round may be over already, of a look that began before. */
        await_round(i, 2);
        EXPECT_EQUAL(0, children[i].errors, "errors that a child found");
    }
    EXPECT_EQUAL(1, write(pipe_ends[1], "x", 1), "writing to the pipe");
    char byte = 0;
    EXPECT_EQUAL(1, read(pipe_ends[0], &byte, 1), "reading from the pipe");
}

static void start(uint64_t kib)
{
    int number = count++;
    MUST(count <= MAX_CHILDREN);
    children[number].kib = kib;
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        children[number].pid = getpid();
        live(number);
    }
    children[number].pid = pid;
    await_round(number, 1);
}

static void end(int reaps)
{
    struct child *last = &children[count - 1];
    if (!reaps) {
        /* By an exit of its own, which only it can make: it is replaced by one that does. */
        kill(last->pid, SIGKILL);
        waitpid(last->pid, 0, 0);
        pid_t pid = fork();
        MUST(pid >= 0);
        if (pid == 0)
            _exit(7);
        last->pid = pid;
    } else
        kill(last->pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, last->pid, &info, WEXITED | (reaps ? 0 : WNOWAIT));
    last->ended = 1 + reaps;
}

static void make_orphan(void)
{
    volatile int *told = (volatile int *)&children[MAX_CHILDREN];
    pid_t between = fork();
    MUST(between >= 0);
    if (between == 0) {
        pid_t own = getpid();
        if (fork() != 0)
            _exit(0);
        while (getppid() == own)
            sleep_ms(1);
        *told = getpid();
        char nothing;
        while (read(0, &nothing, 1) < 0 || 1)
            sleep_ms(10);
    }
    waitpid(between, 0, 0);
    while (*told == 0)
        sleep_ms(1);
    orphan = *told;
}

static int other(const char *command)
{
    if (!strncmp(command, "fork ", 5))
        start(strtoull(command + 5, 0, 10));
    else if (!strcmp(command, "exec")) {
        children[count - 1].executed = 1;
        while (children[count - 1].executed != 3)
            sleep_ms(1);
    } else if (!strcmp(command, "end") || !strcmp(command, "reap"))
        end(command[0] == 'r');
    else if (!strcmp(command, "orphan"))
        make_orphan();
    else if (!strcmp(command, "free")) {
        while (kill(orphan, SIGKILL) == 0)
            sleep_ms(1);
    } else
        return 0;
    say("done");
    return 1;
}

int main(int argc, char **argv)
{
    int is_child = argc > 4 && !strcmp(argv[2], "child");
    target_begin(argc, argv);
    memfd = is_child ? atoi(argv[4]) : memfd_create("tree_changes", 0);
    MUST(memfd >= 0 && ftruncate(memfd, 4096) == 0);
    children = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    MUST(children != MAP_FAILED);
    if (is_child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        children[atoi(argv[3])].executed = 3;
        live(atoi(argv[3]));
    }
    MUST(pipe(pipe_ends) == 0);
    serve(check, other);
}

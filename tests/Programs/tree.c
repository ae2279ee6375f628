/* tree CHANNEL: a process with three children and a grandchild that work together all the time.
 *
 *   root -> one -> two -> three -> four (child of three) -> root    a ring of pipes; each check sends tokens round it
 *   two <-> three                                                   two pipes; a number goes to and fro without end, one more each time
 *
 * All share anonymous memory and a memfd, in which each keeps a count that its private memory must agree with: a snapshot that took two of them at
 * different moments, or a restore that shares too little or too much, shows as a count that differs or as a number that comes twice or not at all.
 * one leads a process group, which three joins; two and four lead a session each. Each child has a signal for its parent's end. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "target.h"

#define MEMBERS 5
#define TOKENS 20
#define PRIVATE_BYTES (64 * 4096ul)

struct member {
    volatile uint64_t tokens, pings, errors;
    volatile int pid, parent, group, session;
};

static struct member *members, *through_memfd;
static int ring[MEMBERS][2], to_three[2], to_two[2];
static struct member wanted[MEMBERS];
static unsigned char *private_memory;
static uint64_t own_tokens, own_pings, generation;
static int self;

static void note_identity(void)
{
    members[self].pid = getpid();
    members[self].parent = getppid();
    members[self].group = getpgrp();
    members[self].session = getsid(0);
}

static void check_own(void)
{
    if (members[self].tokens != own_tokens || through_memfd[self].tokens != own_tokens || members[self].pings != own_pings)
        members[self].errors++;
    if (find_difference(private_memory, PRIVATE_BYTES, 100 + self) >= 0)
        members[self].errors += 100;
}

/* One more token: in shared memory, in the memfd, in private memory. */
static void count_token(void)
{
    check_own();
    note_identity();
    members[self].tokens++;
    through_memfd[self].tokens++;
    own_tokens++;
}

static void take_token(int from, int to)
{
    uint64_t token;
    ssize_t got = read(from, &token, sizeof token);
    if (got == 0)
        _exit(0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got != sizeof token)
        _exit(90);
    count_token();
    token = mix(token + self);
    if (write(to, &token, sizeof token) != sizeof token)
        _exit(91);
}

static void take_ping(int from, int to)
{
    uint64_t number;
    ssize_t got = read(from, &number, sizeof number);
    if (got == 0)
        _exit(0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got != sizeof number)
        _exit(92);
    members[self].pings++;
    own_pings++;
    /* two has the even numbers, three the odd ones. */
    if (number != own_pings * 2 - (self == 2 ? 0 : 1))
        members[self].errors += 10000;
    number++;
    if (write(to, &number, sizeof number) != sizeof number)
        _exit(93);
}

static void work(int from, int to, int ping_from, int ping_to)
{
    struct pollfd files[2] = {{.fd = from, .events = POLLIN}, {.fd = ping_from, .events = POLLIN}};
    for (;;) {
        if (poll(files, ping_from < 0 ? 1 : 2, -1) < 0)
            continue;
        if (files[0].revents)
            take_token(from, to);
        if (ping_from >= 0 && files[1].revents)
            take_ping(ping_from, ping_to);
    }
}

/* Keeps only the ends that member number self works with. */
static void close_others(void)
{
    for (int i = 0; i < MEMBERS; i++) {
        if (i != self)
            close(ring[i][0]);
        if (i != (self + 1) % MEMBERS)
            close(ring[i][1]);
    }
    if (self != 2) {
        close(to_two[0]);
        close(to_three[1]);
    }
    if (self != 3) {
        close(to_three[0]);
        close(to_two[1]);
    }
}

static pid_t start(int number)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid != 0)
        return pid;
    self = number;
    MUST(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
    if (getppid() != parent)
        _exit(0);
    char name[16];
    snprintf(name, sizeof name, "tree-%d", number);
    prctl(PR_SET_NAME, name);
    own_tokens = own_pings = 0;
    fill_pattern(private_memory, PRIVATE_BYTES, 100 + self);
    return 0;
}

static void check(void)
{
    uint64_t before = members[2].pings;
    for (int i = 0; i < TOKENS; i++) {
        uint64_t token = ++generation, expected = token;
        MUST(write(ring[1][1], &token, sizeof token) == sizeof token);
        for (int number = 1; number < MEMBERS; number++)
            expected = mix(expected + number);
        struct pollfd back = {.fd = ring[0][0], .events = POLLIN};
        while (poll(&back, 1, 10000) < 0)
            ;
        EXPECT(back.revents == POLLIN, "token %d came back: events %x", i, back.revents);
        if (back.revents != POLLIN)
            return;
        MUST(read(ring[0][0], &token, sizeof token) == sizeof token);
        EXPECT(token == expected, "token %d changed on its way", i);
        count_token();
    }
    for (int i = 0; i < MEMBERS; i++) {
        EXPECT_EQUAL(0, members[i].errors, "errors that a member found");
        EXPECT_EQUAL(generation, members[i].tokens, "tokens that a member saw");
        EXPECT_EQUAL(generation, through_memfd[i].tokens, "tokens by the memfd");
        if (wanted[i].pid == 0)
            wanted[i] = members[i];
        EXPECT_EQUAL(wanted[i].pid, members[i].pid, "pid");
        if (i != 0)
            EXPECT_EQUAL(wanted[i].parent, members[i].parent, "parent");
        EXPECT_EQUAL(wanted[i].session == wanted[0].session, members[i].session == members[0].session, "whether the session is the root's");
        if (wanted[i].session != wanted[0].session)
            EXPECT_EQUAL(wanted[i].session, members[i].session, "session");
        if (wanted[i].group != wanted[0].group)
            EXPECT_EQUAL(wanted[i].group, members[i].group, "process group");
        if (i != 0 && i != 4)
            EXPECT_EQUAL(0, waitpid(wanted[i].pid, 0, WNOHANG), "waitpid of a living child");
        EXPECT_EQUAL(0, kill(wanted[i].pid, 0), "kill(0) of a member");
    }
    for (int i = 0; i < 10000 && members[2].pings == before; i++)
        sleep_ms(1);
    EXPECT(members[2].pings != before, "the number between two and three stands still at %llu", (unsigned long long)before);
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    members = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int memfd = memfd_create("tree", MFD_CLOEXEC);
    MUST(members != MAP_FAILED && memfd >= 0 && ftruncate(memfd, 4096) == 0);
    through_memfd = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    private_memory = mmap(0, PRIVATE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(through_memfd != MAP_FAILED && private_memory != MAP_FAILED);
    for (int i = 0; i < MEMBERS; i++)
        MUST(pipe2(ring[i], O_CLOEXEC) == 0);
    MUST(pipe(to_three) == 0 && pipe(to_two) == 0);
    fill_pattern(private_memory, PRIVATE_BYTES, 100);

    pid_t one = start(1);
    if (one == 0) {
        setpgid(0, 0);
        close_others();
        work(ring[1][0], ring[2][1], -1, -1);
    }
    setpgid(one, one);
    if (start(2) == 0) {
        MUST(setsid() == getpid());
        close_others();
        uint64_t first = 1;
        MUST(write(to_three[1], &first, sizeof first) == sizeof first);
        work(ring[2][0], ring[3][1], to_two[0], to_three[1]);
    }
    if (start(3) == 0) {
        setpgid(0, one);
        if (start(4) == 0) {
            MUST(setsid() == getpid());
            close_others();
            work(ring[4][0], ring[0][1], -1, -1);
        }
        close_others();
        work(ring[3][0], ring[4][1], to_three[0], to_two[1]);
    }
    close_others();
    serve(check, 0);
}

/* tree_random CHANNEL SEED: a tree of up to twelve processes that changes at random all the time, and finds out by itself if anything was lost or mixed up.
 *
 * Each process takes steps. In a step it may write to memory that it once had from its parent (copy on write), make a child, call exec, start a session or a
 * group, join another's group, tell a child to end by exit or by a signal, wait for one that has ended or leave it a zombie for a while.
 * What it must find, always: its ids and its parent, session and group as it noted them in a ledger that all share; its own count of steps like that in the
 * ledger; its memory as its private notes say; numbered messages from and to its parent by pipes, none lost, none twice; the exit status of its children.
 * Notes and what they are about lie in different processes' memory, in shared memory and in pipes, so all must be of one moment.
 * Who has children doesn't end: so nobody is orphaned. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "target.h"

#define SLOTS 12
#define PAGES 16
#define PAGE 4096ul

enum { FREE, STARTING, ALIVE, ENDED };

struct slot {
    volatile uint64_t generation, steps;
    volatile int state, pid, parent, session, group;
    volatile int wanted_end; /* 0 no; else a wait status plus one */
    volatile int status;
};

struct ledger {
    struct slot slots[SLOTS];
    volatile int errors, made, executed, sessions, zombies;
    char first_error[200];
};

struct message {
    uint64_t number, value;
};

struct link {
    int used, to, from;
    uint64_t sent, received;
};

static struct ledger *ledger;
static int self, memfd;
static uint64_t own_steps, dice, seed;
static unsigned char *memory;
static uint64_t versions[PAGES]; /* what each page of memory holds */
static struct link links[SLOTS];  /* to children, by slot */
static int up_from = -1, up_to = -1;
static uint64_t up_received;

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void fail(const char *format, ...)
{
    if (__atomic_add_fetch(&ledger->errors, 1, __ATOMIC_SEQ_CST) != 1)
        return;
    va_list arguments;
    va_start(arguments, format);
    int length = snprintf(ledger->first_error, sizeof ledger->first_error, "slot %d, pid %d, step %llu: ", self, getpid(), (unsigned long long)own_steps);
    vsnprintf(ledger->first_error + length, sizeof ledger->first_error - length, format, arguments);
    va_end(arguments);
}

static unsigned roll(unsigned sides)
{
    dice = mix(dice);
    return (unsigned)(dice >> 20) % sides;
}

static void write_page(int page)
{
    versions[page] = mix(versions[page] + self + own_steps);
    fill_pattern(memory + page * PAGE, PAGE, versions[page]);
}

static void make_memory(void)
{
    memory = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(memory != MAP_FAILED);
    for (int i = 0; i < PAGES; i++)
        write_page(i);
}

static void note_groups(void)
{
    ledger->slots[self].session = getsid(0);
    ledger->slots[self].group = getpgrp();
}

static void check_own(void)
{
    struct slot *own = &ledger->slots[self];
    if (own->pid != getpid())
        fail("pid %d in the ledger", own->pid);
    if (own->steps != own_steps)
        fail("%llu steps in the ledger", (unsigned long long)own->steps);
    if (self != 0 && getppid() != own->parent)
        fail("parent %d, not %d", getppid(), own->parent);
    if (getsid(0) != own->session)
        fail("session %d, not %d", getsid(0), own->session);
    if (getpgrp() != own->group)
        fail("group %d, not %d", getpgrp(), own->group);
    for (int i = 0; i < PAGES; i++)
        if (find_difference(memory + i * PAGE, PAGE, versions[i]) >= 0)
            fail("page %d differs", i);
}

static int has_children(void)
{
    for (int i = 0; i < SLOTS; i++)
        if (links[i].used)
            return 1;
    return 0;
}

static void close_link(struct link *link)
{
    close(link->to);
    close(link->from);
    link->used = 0;
}

/* As a child goes on as another program: with what its arguments say. */
static void become_another_program(void)
{
    char text[6][24];
    uint64_t words[6] = {self, memfd, up_from, up_to, up_received, seed};
    for (int i = 0; i < 6; i++)
        snprintf(text[i], sizeof text[i], "%llu", (unsigned long long)words[i]);
    __atomic_add_fetch(&ledger->executed, 1, __ATOMIC_SEQ_CST);
    execl("/proc/self/exe", "tree_random", "-", "child", text[0], text[1], text[2], text[3], text[4], text[5], (char *)0);
    fail("exec: %s", strerror(errno));
}

static void change_group(void)
{
    struct slot *other = &ledger->slots[roll(SLOTS)];
    switch (roll(3)) {
    case 0:
        setpgid(0, 0);
        break;
    case 1:
        if (setsid() > 0)
            __atomic_add_fetch(&ledger->sessions, 1, __ATOMIC_SEQ_CST);
        break;
    default:
        /* Refused if it is in another session, or gone. */
        setpgid(0, other->group);
        break;
    }
    note_groups();
}

static void live(void) __attribute__((noreturn));

static void begin_child(int number, pid_t parent, const int down[2], const int up[2])
{
    self = number;
    for (int i = 0; i < SLOTS; i++)
        if (links[i].used)
            close_link(&links[i]);
    if (up_from >= 0) {
        close(up_from);
        close(up_to);
    }
    close(down[1]);
    close(up[0]);
    up_from = down[0];
    up_to = up[1];
    up_received = own_steps = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    dice = mix(seed + number * 1000 + ledger->slots[number].generation);
    struct slot *own = &ledger->slots[number];
    own->pid = getpid();
    own->parent = parent;
    note_groups();
    if (roll(2) == 0)
        change_group();
    own->state = ALIVE;
    if (roll(4) == 0)
        become_another_program();
    live();
}

static void make_child(void)
{
    int number = 0, expected;
    do {
        if (++number == SLOTS)
            return;
        expected = FREE;
    } while (!__atomic_compare_exchange_n(&ledger->slots[number].state, &expected, STARTING, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    struct slot *slot = &ledger->slots[number];
    slot->generation++;
    slot->steps = 0;
    slot->wanted_end = 0;
    int down[2], up[2];
    MUST(pipe(down) == 0 && pipe(up) == 0);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        begin_child(number, parent, down, up);
    if (pid < 0) {
        fail("fork: %s", strerror(errno));
        return;
    }
    close(down[0]);
    close(up[1]);
    links[number] = (struct link){.used = 1, .to = down[1], .from = up[0]};
    __atomic_add_fetch(&ledger->made, 1, __ATOMIC_SEQ_CST);
}

static void tell_end(int number)
{
    static const int signals[] = {SIGKILL, SIGTERM, SIGUSR1, 40};
    struct slot *slot = &ledger->slots[number];
    if (slot->state == ALIVE && slot->wanted_end == 0)
        slot->wanted_end = 1 + (roll(2) ? (int)roll(256) << 8 : signals[roll(4)]);
}

static void end_if_told(void)
{
    struct slot *own = &ledger->slots[self];
    int wanted = own->wanted_end;
    if (wanted == 0)
        return;
    for (int i = 0; i < SLOTS; i++)
        if (links[i].used)
            tell_end(i);
    if (has_children())
        return;
    own->status = wanted - 1;
    own->state = ENDED;
    int signal = (wanted - 1) & 0x7f;
    if (signal)
        kill(getpid(), signal);
    _exit((wanted - 1) >> 8);
}

static void reap(int number)
{
    struct slot *slot = &ledger->slots[number];
    int status = 0;
    pid_t pid = waitpid(slot->pid, &status, WNOHANG);
    if (pid == 0)
        return;
    if (pid != slot->pid)
        fail("waitpid of %d: %d, %s", slot->pid, pid, strerror(errno));
    if ((status & ~0x80) != slot->status)
        fail("child %d ended with %x, not %x", pid, status, slot->status);
    close_link(&links[number]);
    slot->state = FREE;
}

static int receive(int from, struct message *message)
{
    struct pollfd file = {.fd = from, .events = POLLIN};
    if (poll(&file, 1, 0) <= 0 || !(file.revents & POLLIN))
        return 0;
    ssize_t got = read(from, message, sizeof *message);
    if (got == (ssize_t)sizeof *message)
        return 1;
    if (got != 0)
        fail("a message of %zd bytes", got);
    return 0;
}

static void exchange(void)
{
    struct message message;
    if (self != 0 && receive(up_from, &message)) {
        if (message.number != ++up_received || message.value != mix(message.number + self))
            fail("message %llu from the parent, not %llu", (unsigned long long)message.number, (unsigned long long)up_received);
        message.value = mix(message.value);
        if (write(up_to, &message, sizeof message) != (ssize_t)sizeof message)
            fail("answering: %s", strerror(errno));
    }
    for (int i = 0; i < SLOTS; i++) {
        struct link *link = &links[i];
        if (!link->used)
            continue;
        while (receive(link->from, &message)) {
            if (message.number != ++link->received || message.value != mix(mix(message.number + i)))
                fail("answer %llu of slot %d, not %llu", (unsigned long long)message.number, i, (unsigned long long)link->received);
        }
        if (ledger->slots[i].state != ALIVE || link->sent - link->received >= 4 || roll(2))
            continue;
        message.number = ++link->sent;
        message.value = mix(message.number + i);
        if (write(link->to, &message, sizeof message) != (ssize_t)sizeof message && (errno != EPIPE || ledger->slots[i].state != ENDED))
            fail("writing to slot %d: %s", i, strerror(errno));
    }
}

static void step(void)
{
    check_own();
    ledger->slots[self].steps++;
    own_steps++;
    exchange();
    end_if_told();
    int number = (int)roll(SLOTS), ends = ledger->slots[self].wanted_end != 0;
    for (int i = 0; i < SLOTS; i++)
        if (links[i].used && ledger->slots[i].state == ENDED && (ends || roll(8) == 0))
            reap(i);
    switch (roll(24)) {
    case 0:
    case 1:
        if (!ends)
            make_child();
        break;
    case 2:
        if (links[number].used)
            tell_end(number);
        break;
    case 3:
        if (roll(4) == 0 && self != 0)
            change_group();
        break;
    case 4:
        if (roll(4) == 0 && self != 0 && !has_children())
            become_another_program();
        break;
    case 5:
    case 6:
    case 7:
        write_page((int)roll(PAGES));
        break;
    }
    if (roll(2))
        usleep(roll(3000));
}

static void live(void)
{
    for (;;)
        step();
}

static void check(void)
{
    struct slot before[SLOTS];
    memcpy(before, (void *)ledger->slots, sizeof before);
    for (int i = 1; i < SLOTS; i++) {
        struct slot *now = &ledger->slots[i];
        for (int wait = 0; wait < 20000; wait++) {
            if (before[i].state != ALIVE || now->state != ALIVE || now->generation != before[i].generation || now->steps >= before[i].steps + 3)
                break;
            step();
        }
        EXPECT(before[i].state != ALIVE || now->state != ALIVE || now->generation != before[i].generation || now->steps >= before[i].steps + 3,
            "slot %d (pid %d) stands still at step %llu", i, now->pid, (unsigned long long)now->steps);
    }
    EXPECT(ledger->errors == 0, "seed %llu: %d errors, the first in %s", (unsigned long long)seed, ledger->errors, ledger->first_error);
}

static int other(const char *command)
{
    if (strcmp(command, "count") != 0)
        return 0;
    say("count %d made, %d executed, %d sessions", ledger->made, ledger->executed, ledger->sessions);
    return 1;
}

int main(int argc, char **argv)
{
    int is_child = argc > 8 && !strcmp(argv[2], "child");
    target_begin(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    if (is_child) {
        self = atoi(argv[3]);
        memfd = atoi(argv[4]);
        up_from = atoi(argv[5]);
        up_to = atoi(argv[6]);
        up_received = strtoull(argv[7], 0, 10);
        seed = strtoull(argv[8], 0, 10);
    } else {
        MUST(argc > 2);
        seed = strtoull(argv[2], 0, 10);
        memfd = memfd_create("tree_random", 0);
        MUST(memfd >= 0 && ftruncate(memfd, 4096) == 0);
    }
    ledger = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    MUST(ledger != MAP_FAILED && sizeof *ledger <= 4096);
    if (is_child) {
        dice = mix(seed + ledger->slots[self].steps);
        own_steps = ledger->slots[self].steps;
        make_memory();
        live();
    }
    ledger->slots[0].state = ALIVE;
    ledger->slots[0].pid = getpid();
    note_groups();
    make_memory();
    dice = mix(seed);
    for (int i = 0; i < 4; i++)
        make_child();
    ready();
    for (;;) {
        if (command_waits())
            serve_command(next_command(), check, other);
        step();
    }
}

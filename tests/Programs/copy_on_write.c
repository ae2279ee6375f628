/* copy_on_write CHANNEL: a process, its child and that one's child, which share most of their memory since the fork.
 *
 * Each has written some pages since, dropped others, and grown its heap. Each compares all its memory with what it has to be, by rules that differ for each. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "target.h"

#define MEMBERS 3
#define PAGE 4096ul
#define PAGES 4096ul
#define HEAP_PAGES 64ul

static volatile struct {
    uint64_t rounds[MEMBERS], errors[MEMBERS];
} *shared;

static unsigned char *memory, *heap, *hidden;
static int self;

/* Who wrote a page last before the fork of member number: 0 all, or the member plus one; -1: dropped. */
static int writer(uint64_t page, int member)
{
    if (page % 32 == 20 + (uint64_t)member)
        return -1;
    int last = 0;
    for (int i = 0; i <= member; i++) {
        /* What i wrote before the fork of the next is its children's, too: even pages of its share; the odd ones it wrote after. */
        if (page % 32 == 2 * (uint64_t)i || (i == member && page % 32 == 2 * (uint64_t)i + 1))
            last = i + 1;
        else if (i < member && page % 32 == 20 + (uint64_t)i)
            last = 0;
    }
    return last;
}

static void write_share(uint64_t remainder)
{
    for (uint64_t page = remainder; page < PAGES; page += 32)
        fill_pattern(memory + page * PAGE, PAGE, page * 16 + self + 1);
}

static void look(void)
{
    static const unsigned char zeros[PAGE];
    for (uint64_t page = 0; page < PAGES; page++) {
        int last = writer(page, self);
        if (last < 0 ? memcmp(memory + page * PAGE, zeros, PAGE) != 0 : find_difference(memory + page * PAGE, PAGE, page * 16 + last) >= 0)
            shared->errors[self]++;
    }
    if (find_difference(hidden, 16 * PAGE, 777) >= 0)
        shared->errors[self] += 10000;
    for (int i = 0; i <= self; i++)
        if (find_difference(heap + i * HEAP_PAGES * PAGE, HEAP_PAGES * PAGE, 900 + i) >= 0)
            shared->errors[self] += 100000;
    shared->rounds[self]++;
}

static void grow_heap(void)
{
    unsigned char *more = sbrk(HEAP_PAGES * PAGE);
    MUST(more != (void *)-1 && (self == 0 || more == heap + self * HEAP_PAGES * PAGE));
    if (self == 0)
        heap = more;
    fill_pattern(more, HEAP_PAGES * PAGE, 900 + self);
}

static void prepare_and_fork(void)
{
    write_share(2 * self);
    grow_heap();
    pid_t pid = self + 1 < MEMBERS ? fork() : 1;
    MUST(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        self++;
        prepare_and_fork();
        return;
    }
    /* After the fork: the child doesn't see it. */
    write_share(2 * self + 1);
    for (uint64_t page = 20 + self; page < PAGES; page += 32)
        MUST(madvise(memory + page * PAGE, PAGE, MADV_DONTNEED) == 0);
}

static void check(void)
{
    for (int i = 0; i < MEMBERS; i++) {
        uint64_t before = shared->rounds[i];
        for (int wait = 0; wait < 20000 && shared->rounds[i] < before + 2; wait++) {
            if (i == 0)
                look();
            sleep_ms(1);
        }
        EXPECT(shared->rounds[i] >= before + 2, "process %d stands still", i);
        EXPECT_EQUAL(0, shared->errors[i], "pages that a process found to be wrong");
    }
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memory = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    hidden = mmap(0, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(shared != MAP_FAILED && memory != MAP_FAILED && hidden != MAP_FAILED);
    for (uint64_t page = 0; page < PAGES; page++)
        fill_pattern(memory + page * PAGE, PAGE, page * 16);
    fill_pattern(hidden, 16 * PAGE, 777);
    MUST(mprotect(hidden, 16 * PAGE, PROT_READ) == 0);
    prepare_and_fork();
    if (self != 0)
        for (;;) {
            look();
            sleep_ms(20);
        }
    while (shared->rounds[MEMBERS - 1] == 0)
        sleep_ms(1);
    serve(check, 0);
}
